import { InvalidEvent, LimitExceeded } from "../errors.js";
import { EVENT_BYTES_MAX, ITEMS_MAX } from "../limits.js";
import { EVENT_SHAPE_OF, EVENT_SHAPES } from "../schemas/events.js";
import { canonical, utf8Bytes } from "./canonical.js";
import { isKind } from "./events.js";
import { freeJson } from "./free_json.js";
import { isPlaylist } from "./ids.js";
import { mismatch, shown } from "./shape.js";
export function checkedData(kind, given, stream) {
    if (!isKind(kind))
        throw new InvalidEvent(`kind ${shown(kind)} is not known here`);
    if (!streamAccepts(kind, stream))
        throw new InvalidEvent(`${kind} does not belong into stream ${stream}`);
    checkCounts(given);
    const data = freeJson(given, `data of ${kind}`);
    const found = mismatch(data, { $ref: EVENT_SHAPE_OF[kind] }, EVENT_SHAPES, `data of ${kind}`);
    if (found !== null)
        throw new InvalidEvent(found);
    const rule = RULES[kind];
    rule?.(data, stream);
    const size = utf8Bytes(canonical(data));
    if (size > EVENT_BYTES_MAX) {
        throw new LimitExceeded(`an event of ${size} bytes; at most ${EVENT_BYTES_MAX} as canonical JSON`);
    }
    return data;
}
function streamAccepts(kind, stream) {
    return kind.startsWith("list.") || kind.startsWith("playlist.") === isPlaylist(stream);
}
function checkCounts(given) {
    if (typeof given !== "object" || given === null)
        return;
    const counted = [given, ...["items", "ids", "seen"].map((name) => given[name])];
    for (const each of counted) {
        if (typeof each === "object" && each !== null) {
            const count = Object.keys(each).length;
            if (count > ITEMS_MAX)
                throw new LimitExceeded(`${count} things in one event; at most ${ITEMS_MAX}`);
        }
    }
}
function checkOnce(ids, what) {
    const twice = ids.length === new Set(ids).size ? undefined : ids.find((id, index) => ids.indexOf(id) < index);
    if (twice !== undefined)
        throw new InvalidEvent(`${what} names ${shown(twice)} twice`);
}
function checkList(name, stream) {
    if ((name === "items") === isPlaylist(stream))
        return;
    const allowed = isPlaylist(stream) ? '"items"' : '"queue" or "sidebar"';
    throw new InvalidEvent(`list is "${name}", stream ${stream} has ${allowed}`);
}
function checkPlace({ parent, side }) {
    if ((parent ?? null) === null && side !== "R") {
        throw new InvalidEvent(`side is "${side}", under parent null it must be "R"`);
    }
}
function listed(data, stream) {
    checkList(data.list, stream);
    checkOnce(data.ids, "ids");
}
const RULES = {
    "list.inserted": (data, stream) => {
        checkList(data.list, stream);
        checkPlace(data);
        const name = data.list === "sidebar" ? "playlist" : "track";
        const lacking = data.items.findIndex((item) => item[name] === undefined);
        if (lacking >= 0)
            throw new InvalidEvent(`items[${lacking}] lacks ${name}`);
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
