/**
 * Which events an event names: what it cannot do without.
 *
 * When one of a writer's own events is refused for good, those that name it are refused as well (`orphan`): a move after
 * an item that never came, a seek in a play that never began. Source: merge.md section 3.1.
 */
import type { JsonObject } from "./canonical.js";
import { splitItem } from "./ids.js";
import { isKind, type DataOf, type Kind } from "./events.js";
import type { PlayedItem } from "../schemas/events.js";

const ITEM_ID = /^[0-9a-z]{10}\.[1-9][0-9]{0,15}\.(0|[1-9][0-9]{0,5})$/;

/**
 * The events (`writer.seq`) whose slots, items or plays this one names; empty for kinds that name none.
 *
 * `list.cleared` says what it has seen, `history.*` name plays that may be anybody's: neither needs the event it names.
 */
export function references(kind: string, data: JsonObject): ReadonlySet<string> {
  if (!isKind(kind)) return new Set();
  const named = NAMED[kind] as ((data: JsonObject) => readonly string[]) | undefined;
  return new Set(named?.(data));
}

const eventOf = (item: string): string => splitItem(item).event;
const parentOf = (data: { readonly parent?: string | null }): string[] =>
  typeof data.parent === "string" ? [eventOf(data.parent)] : [];
const queueEntry = (item: PlayedItem): string[] =>
  item.from === "queue" && ITEM_ID.test(item.id) ? [eventOf(item.id)] : [];

const NAMED: { readonly [K in Kind]?: (data: DataOf<K>) => readonly string[] } = {
  "list.inserted": parentOf,
  "list.moved": (data) => [...parentOf(data), ...data.ids.map(eventOf)],
  "list.moved_back": (data) => [eventOf(data.item), eventOf(data.slot)],
  "list.removed": (data) => data.ids.map(eventOf),
  "list.restored": (data) => data.ids.map(eventOf),
  "playback.started": (data) => [...data.follows, ...queueEntry(data.item)],
  "playback.advanced": (data) => [data.epoch, ...data.follows, ...queueEntry(data.item)],
  "playback.paused": (data) => [data.epoch],
  "playback.resumed": (data) => [data.epoch, data.play],
  "playback.seeked": (data) => [data.play],
  "playback.speed_changed": (data) => [data.epoch, data.play],
  "playback.reported": (data) => [data.play],
};
