/**
 * What an event's data must be to enter the log, asked before an event becomes pending, so that a mistake is told where
 * it was made. The gateway asks the same. Source: syncd/model/validate.py.
 */
import { InvalidEvent, LimitExceeded } from "../errors.js";
import { EVENT_BYTES_MAX, ITEMS_MAX } from "../limits.js";
import { EVENT_SHAPE_OF, EVENT_SHAPES } from "../schemas/events.js";
import { canonical, utf8Bytes, type JsonObject } from "./canonical.js";
import { isKind, type DataOf, type Kind, type ListName } from "./events.js";
import { freeJson } from "./free_json.js";
import { isPlaylist } from "./ids.js";
import { mismatch, shown } from "./shape.js";

/**
 * A copy of an event's data, as it may be sent.
 *
 * @throws InvalidEvent: unknown kind, wrong shape, a kind or list of another stream, an id twice, JSON that some replica
 *   could not hold.
 * @throws LimitExceeded: over 500 items, ids, settings or writers, or over 64 KiB as canonical JSON.
 */
export function checkedData(kind: string, given: unknown, stream: string): JsonObject {
  if (!isKind(kind)) throw new InvalidEvent(`kind ${shown(kind)} is not known here`);
  if (!streamAccepts(kind, stream)) throw new InvalidEvent(`${kind} does not belong into stream ${stream}`);
  checkCounts(given);
  const data = freeJson(given, `data of ${kind}`) as JsonObject;
  const found = mismatch(data, { $ref: EVENT_SHAPE_OF[kind] }, EVENT_SHAPES, `data of ${kind}`);
  if (found !== null) throw new InvalidEvent(found);
  const rule = RULES[kind] as ((data: JsonObject, stream: string) => void) | undefined;
  rule?.(data, stream);
  const size = utf8Bytes(canonical(data));
  if (size > EVENT_BYTES_MAX) {
    throw new LimitExceeded(`an event of ${size} bytes; at most ${EVENT_BYTES_MAX} as canonical JSON`);
  }
  return data;
}

/** Whether events of this kind belong into this stream: lists into both sorts, the rest into one of them. */
function streamAccepts(kind: string, stream: string): boolean {
  return kind.startsWith("list.") || kind.startsWith("playlist.") === isPlaylist(stream);
}

/** Of anything that could be too long: told as a limit, before its shape says the same as a mistake. */
function checkCounts(given: unknown): void {
  if (typeof given !== "object" || given === null) return;
  const counted: readonly unknown[] = [given, ...["items", "ids", "seen"].map((name) => (given as JsonObject)[name])];
  for (const each of counted) {
    if (typeof each === "object" && each !== null) {
      const count = Object.keys(each).length;
      if (count > ITEMS_MAX) throw new LimitExceeded(`${count} things in one event; at most ${ITEMS_MAX}`);
    }
  }
}

function checkOnce(ids: readonly string[], what: string): void {
  const twice = ids.length === new Set(ids).size ? undefined : ids.find((id, index) => ids.indexOf(id) < index);
  if (twice !== undefined) throw new InvalidEvent(`${what} names ${shown(twice)} twice`);
}

function checkList(name: ListName, stream: string): void {
  if ((name === "items") === isPlaylist(stream)) return;
  const allowed = isPlaylist(stream) ? '"items"' : '"queue" or "sidebar"';
  throw new InvalidEvent(`list is "${name}", stream ${stream} has ${allowed}`);
}

function checkPlace({ parent, side }: { readonly parent?: string | null; readonly side: string }): void {
  if ((parent ?? null) === null && side !== "R") {
    throw new InvalidEvent(`side is "${side}", under parent null it must be "R"`);
  }
}

function listed(data: { readonly list: ListName; readonly ids: readonly string[] }, stream: string): void {
  checkList(data.list, stream);
  checkOnce(data.ids, "ids");
}

/** Kinds that are not here are all said by their shape. */
const RULES: { readonly [K in Kind]?: (data: DataOf<K>, stream: string) => void } = {
  "list.inserted": (data, stream) => {
    checkList(data.list, stream);
    checkPlace(data);
    const name = data.list === "sidebar" ? "playlist" : "track";
    const lacking = data.items.findIndex((item) => item[name] === undefined);
    if (lacking >= 0) throw new InvalidEvent(`items[${lacking}] lacks ${name}`);
  },
  "list.moved": (data, stream) => {
    checkPlace(data);
    listed(data, stream);
  },
  "list.moved_back": (data, stream) => checkList(data.list, stream),
  "list.removed": listed,
  "list.restored": listed,
  "list.cleared": (data, stream) => checkList(data.list, stream),
  "playback.started": (data) => checkOnce(data.follows, "follows"),
  "library.changed": (data) => {
    checkOnce(data.ids, "ids");
    if (data.set !== "ratings" && typeof data.value !== "boolean") {
      throw new InvalidEvent(`value is ${data.value}, must be true or false outside the set ratings`);
    }
  },
};
