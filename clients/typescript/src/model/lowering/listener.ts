/**
 * What the events of one listener's own things write: library, settings, progress, history.
 *
 * A person acts in sequence, so the last writer wins, per smallest thing chosen. Source: merge.md section 3.3.
 */
import type { Cells } from "../cells.js";
import { keyPart } from "../ids.js";
import { ms } from "../stamp.js";
import { epochMaxRank, FLAG, maxRank, registers, type Lowering } from "./writes.js";

type Kinds =
  | "library.changed"
  | "settings.changed"
  | "progress.listened"
  | "progress.marked"
  | "history.played"
  | "history.removed"
  | "history.cleared";

export const LISTENER: { readonly [K in Kinds]: Lowering<K> } = {
  "library.changed": ({ set, ids, value }, { rank }) =>
    registers(rank, ids.map((id) => [`library/${keyPart(set)}/${keyPart(id)}`, value])),

  // The slash of a device-scoped key is percent-encoded like any other character.
  "settings.changed": (data, { rank }) =>
    registers(rank, Object.entries(data).map(([key, value]) => [`settings/${keyPart(key)}`, value])),

  // A `through` that is not smaller than the event's own stamp writes no `furthest`: client text must not win for ever.
  "progress.listened": ({ episode, position_ms, duration_ms = null, finished = false, through }, { rank }) => {
    const prefix = `progress/${keyPart(episode)}`;
    const cells: Cells = new Map([[`${prefix}/latest`, { rank, value: { position_ms, duration_ms, finished } }]]);
    if (through < rank) {
      cells.set(`${prefix}/furthest`, { rank: epochMaxRank(through, position_ms), value: position_ms });
    }
    return cells;
  },

  // Unplayed also opens a new listen-through at 0.
  "progress.marked": ({ episode, played }, { rank }) => {
    const prefix = `progress/${keyPart(episode)}`;
    const latest = { position_ms: 0, duration_ms: null, finished: played };
    const cells: Cells = new Map([[`${prefix}/latest`, { rank, value: latest }]]);
    if (!played) cells.set(`${prefix}/furthest`, { rank: epochMaxRank(rank, 0), value: 0 });
    return cells;
  },

  // A play may be reported again as it grows; nothing starts after its own stamp.
  "history.played": (data, { rank, t }) => {
    const { track, context = null, skipped = false, reason = null, listened_ms } = data;
    const prefix = `history/${keyPart(data.play)}`;
    const what = { track, context, started_ms: Math.min(data.started_ms, ms(t)), skipped, reason };
    return new Map([
      [`${prefix}/what`, { rank, value: what }],
      [`${prefix}/listened_ms`, { rank: maxRank(listened_ms), value: listened_ms }],
    ]) as Cells;
  },

  "history.removed": ({ play }) => new Map([[`history/${keyPart(play)}/removed`, FLAG]]),

  // Nothing later than the event itself is cleared, whatever its sender's clock said.
  "history.cleared": (data, { t }) => {
    const before_ms = Math.min(data.before_ms, ms(t));
    return new Map([["history_cleared", { rank: maxRank(before_ms), value: before_ms }]]);
  },
};
