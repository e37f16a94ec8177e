/**
 * From one event to its cell writes, without reading any state.
 *
 * That is what makes state free of order: whatever an event means, it says by the keys, ranks and values it writes, and
 * the join does the rest. Everything an event writes is listed in merge.md section 3; the forms of ranks in section 2.
 *
 * Laws: pure and total. The same event gives the same cells on every machine; no clock, no randomness, no recursion; a
 * kind that this version does not know gives nothing.
 */
import type { Cells } from "../cells.js";
import type { JsonObject } from "../canonical.js";
import { isKind, type Event, type Kind } from "../events.js";
import { eventId } from "../ids.js";
import { stamp } from "../stamp.js";
import { DESCRIBED } from "./described.js";
import { LISTENER } from "./listener.js";
import { LISTS } from "./lists.js";
import { PLAYBACK } from "./playback.js";
import type { Lowering } from "./writes.js";

const LOWERINGS: { readonly [K in Kind]: Lowering<K> } = { ...LISTS, ...PLAYBACK, ...LISTENER, ...DESCRIBED };

/**
 * The cells that an event writes, by key; a new map. Values share their nested JSON with the event: treat both as frozen.
 */
export function lower(event: Event): Cells {
  if (!isKind(event.kind)) return new Map();
  const { writer, seq, t, data } = event;
  const lowering = LOWERINGS[event.kind] as (data: JsonObject, context: Parameters<Lowering<Kind>>[1]) => Cells;
  return lowering(data, { t, writer, id: eventId(writer, seq), rank: stamp(t, writer) });
}
