import { splitItem } from "./ids.js";
import { isKind } from "./events.js";
const ITEM_ID = /^[0-9a-z]{10}\.[1-9][0-9]{0,15}\.(0|[1-9][0-9]{0,5})$/;
export function references(kind, data) {
    if (!isKind(kind))
        return new Set();
    const named = NAMED[kind];
    return new Set(named?.(data));
}
const eventOf = (item) => splitItem(item).event;
const parentOf = (data) => typeof data.parent === "string" ? [eventOf(data.parent)] : [];
const queueEntry = (item) => item.from === "queue" && ITEM_ID.test(item.id) ? [eventOf(item.id)] : [];
const NAMED = {
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
