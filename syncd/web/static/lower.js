// From one event to its cell writes, for the events that this page emits. The connection that is acked gets no delta of its
// own event, so the page lowers it itself, as syncd/model/lowering does. Source: merge.md section 3.

import { stamp } from "./stamp.js";

const LOWERINGS = {
  "list.inserted": ({ list, parent, side, items }, { id, t, writer, rank }) => [
    [`${list}/run/${id}`, rank, { parent, side, t, writer, items }],
  ],
  "list.removed": ({ list, ids }, { rank }) => ids.map((item) => [`${list}/on/${item}`, rank, false]),
  "playback.started": (data, { id, rank }) => [
    [`play/${id}`, rank, {
      epoch: id, generation: 0, follows: data.follows, item: data.item, device: data.device, context: data.context ?? null,
      detached: false,
    }],
    [`${data.playing ? "play_on" : "play_off"}/${id}`, rank, true],
    [`play_speed/${id}`, rank, data.speed_permille],
    [`play_at/${id}`, rank, [data.position_ms, data.playing]],
  ],
  "playback.advanced": ({ epoch, generation, follows, item }, { id, rank }) => [
    [`play/${id}`, rank, { epoch, generation, follows, item, automatic: false }],
    [`play_at/${id}`, rank, [0, true]],
    [`play_on/${epoch}`, rank, true],
  ],
  "playback.paused": ({ epoch }, { rank }) => [[`play_off/${epoch}`, rank, true]],
  "playback.resumed": ({ epoch, play, position_ms: positionMs }, { rank }) => [
    [`play_on/${epoch}`, rank, true],
    [`play_at/${play}`, rank, [positionMs, true]],
  ],
};

/** The cells `[key, rank, value]` that an event `{seq, t, kind, data}` of a writer writes. */
export function lower(event, writer) {
  const id = `${writer}.${event.seq}`;
  return LOWERINGS[event.kind](event.data, { id, t: event.t, writer, rank: stamp(event.t, writer) });
}
