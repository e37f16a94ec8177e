/**
 * What the events of playback write: plays, and registers of what was pressed.
 *
 * On and off are two cells, so that a stale "play" cannot erase the pause before it. A pause writes no position, so a
 * concurrent seek survives it. Source: merge.md section 3.2.
 */
import type { Json } from "../canonical.js";
import { keyPart } from "../ids.js";
import { given, registers, type Lowering } from "./writes.js";

type Kinds =
  | "playback.started"
  | "playback.advanced"
  | "playback.paused"
  | "playback.resumed"
  | "playback.seeked"
  | "playback.speed_changed"
  | "playback.reported"
  | "playback.mode_changed"
  | "device.volume_changed";

export const PLAYBACK: { readonly [K in Kinds]: Lowering<K> } = {
  // Opens an epoch, named after this event.
  "playback.started": (data, { id, rank }) => {
    const { follows, item, device, context = null, detached = false } = data;
    return registers(rank, [
      [`play/${id}`, { epoch: id, generation: 0, follows, item, device, context, detached }],
      [data.playing ? `play_on/${id}` : `play_off/${id}`, true],
      [`play_speed/${id}`, data.speed_permille],
      [`play_at/${id}`, [data.position_ms, data.playing]],
    ]);
  },

  // The next generation of an epoch. Pressed, it plays; an automatic one leaves a pause alone.
  "playback.advanced": ({ epoch, generation, follows, item, position_ms, automatic = false }, { id, rank }) => {
    const writes: [string, Json][] = [
      [`play/${id}`, { epoch, generation, follows, item, automatic }],
      [`play_at/${id}`, [position_ms ?? 0, true]],
    ];
    if (!automatic) writes.push([`play_on/${epoch}`, true]);
    return registers(rank, writes);
  },

  // Writes no position.
  "playback.paused": ({ epoch }, { rank }) => registers(rank, [[`play_off/${epoch}`, true]]),

  "playback.resumed": ({ epoch, play, position_ms }, { rank }) =>
    registers(rank, [
      [`play_on/${epoch}`, true],
      [`play_at/${play}`, [position_ms, true]],
    ]),

  "playback.seeked": ({ play, position_ms, playing }, { rank }) =>
    registers(rank, [[`play_at/${play}`, [position_ms, playing]]]),

  // Writes the position too, so that the old speed counts up to here.
  "playback.speed_changed": ({ epoch, play, position_ms, playing, speed_permille }, { rank }) =>
    registers(rank, [
      [`play_speed/${epoch}`, speed_permille],
      [`play_at/${play}`, [position_ms, playing]],
    ]),

  // A renderer's measure counts only for the command it obeyed, whose ranks come first in its own. An answer to
  // something later than the event itself writes nothing: client text must not win for ever.
  "playback.reported": ({ play, position_ms, buffering, answers: [at, toggled] }, { rank }) =>
    at >= rank || toggled >= rank
      ? new Map()
      : registers(at + toggled + rank, [[`play_report/${play}`, [position_ms, buffering]]]),

  // One register for each mode given.
  "playback.mode_changed": (modes, { rank }) => registers(rank, given("mode/", modes)),

  "device.volume_changed": ({ device, volume_permille }, { rank }) =>
    registers(rank, [[`device/${keyPart(device)}/volume_permille`, volume_permille]]),
};
