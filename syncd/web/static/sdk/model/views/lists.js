import { compareText } from "../canonical.js";
import { cutAtSlash, fromKeyPart, itemId, splitEvent } from "../ids.js";
import { runOf, Tree } from "../order/tree.js";
import { under } from "./under.js";
import { Visibility } from "./visibility.js";
const NOTHING = new Set();
export function listView(cells, list, consumed = NOTHING) {
    const runs = [];
    const at = new Map();
    const visibility = new Visibility(consumed);
    for (const [rest, cell] of under(cells, `${list}/`)) {
        const [part, name] = cutAtSlash(rest);
        if (part === "run")
            runs.push([name, cell]);
        else if (part === "at")
            at.set(name, cell.value);
        else if (part === "on")
            visibility.setOn(name, cell);
        else if (part === "cleared")
            visibility.setCleared(name, cell);
    }
    const order = new Tree(runs.map(([id, cell]) => runOf(id, cell.value))).order();
    const indexOf = new Map(order.map((slot, index) => [slot, index]));
    const seated = runs
        .flatMap(([id, cell]) => insertedItems(id, cell))
        .filter(({ id }) => visibility.shows(id))
        .map((entry) => ({ entry, index: indexOf.get(at.get(entry.id) ?? entry.id) ?? indexOf.get(entry.id) ?? -1 }))
        .filter(({ index }) => index >= 0);
    seated.sort((a, b) => a.index - b.index || (a.entry.id < b.entry.id ? -1 : 1));
    return seated.map(({ entry }) => entry);
}
export function seen(cells, list) {
    return seenIn(under(cells, `${list}/run/`).map(([id]) => id));
}
export function seenIn(runIds) {
    const largest = new Map();
    for (const id of runIds) {
        const { writer, seq } = splitEvent(id);
        largest.set(writer, Math.max(seq, largest.get(writer) ?? 0));
    }
    return largest;
}
export function sidebarView(cells, hidden = NOTHING) {
    const added = under(cells, "library/playlists/").filter(([, cell]) => cell.value === true);
    added.sort(([a, x], [b, y]) => compareText(x.rank, y.rank) || compareText(a, b));
    const library = added.map(([part]) => fromKeyPart(part));
    const placed = listView(cells, "sidebar").map(({ item }) => item["playlist"]);
    const ours = new Set(library.filter((playlist) => !hidden.has(playlist)));
    return [...new Set([...placed, ...library])].filter((each) => typeof each === "string").filter((each) => ours.has(each));
}
export function insertedItems(runId, cell) {
    const { items = [] } = cell.value;
    return items.map((item, k) => ({ id: itemId(runId, k), item }));
}
