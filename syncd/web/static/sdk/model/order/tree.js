import { itemId, splitEvent, splitItem } from "../ids.js";
export class Run {
    id;
    parent;
    side;
    slots;
    writer;
    seq;
    t;
    children = { L: new Map(), R: new Map() };
    constructor(id, fields) {
        this.id = id;
        ({ writer: this.writer, seq: this.seq } = splitEvent(id));
        ({ t: this.t, parent: this.parent, side: this.side } = fields);
        this.slots = Array.from({ length: fields.count ?? fields.items?.length ?? 0 }, (_, k) => itemId(id, k));
    }
    hangsLike(other) {
        return this.parent === other.parent && this.side === other.side && this.slots.length === other.slots.length;
    }
}
export function runOf(id, value) {
    return new Run(id, value);
}
export class Tree {
    runs = new Map();
    #root = { L: [], R: [] };
    #orphans = new Map();
    constructor(runs = []) {
        for (const run of runs) {
            run.children.L.clear();
            run.children.R.clear();
            this.add(run);
        }
    }
    add(run) {
        this.runs.set(run.id, run);
        const siblings = this.#siblings(run);
        if (siblings !== null)
            hang(siblings, run);
        else
            pushTo(this.#orphans, splitItem(run.parent ?? "").event, run);
        for (const orphan of this.#orphans.get(run.id) ?? [])
            hang(this.#siblings(orphan) ?? [], orphan);
        this.#orphans.delete(run.id);
    }
    restamp(run) {
        const known = this.runs.get(run.id);
        if (known === undefined)
            return false;
        const siblings = this.#siblings(known) ?? [known];
        const index = rankOf(siblings, known);
        const [before, after] = [siblings[index - 1], siblings[index + 1]];
        if ((before !== undefined && compare(before, run) > 0) || (after !== undefined && compare(after, run) < 0)) {
            return false;
        }
        known.t = run.t;
        return true;
    }
    lowerSibling(run) {
        const siblings = this.#siblings(run) ?? [run];
        return siblings[rankOf(siblings, run) - 1] ?? null;
    }
    isOpenEnd(slot) {
        const { event, k } = splitItem(slot);
        const run = this.runs.get(event);
        return run !== undefined && k === run.slots.length - 1 && !run.children.R.get(k)?.length;
    }
    order() {
        return walk(this.#root.R);
    }
    #siblings(run) {
        if (run.parent === null)
            return this.#root[run.side];
        const { event, k } = splitItem(run.parent);
        const children = this.runs.get(event)?.children[run.side];
        if (children === undefined)
            return null;
        const there = children.get(k);
        if (there !== undefined)
            return there;
        const fresh = [];
        children.set(k, fresh);
        return fresh;
    }
}
export function walk(runs) {
    const slots = [];
    const ahead = [...runs].reverse();
    for (let piece = ahead.pop(); piece !== undefined; piece = ahead.pop()) {
        if (!(piece instanceof Run))
            slots.push(...piece);
        else if (piece.children.L.size === 0 && piece.children.R.size === 0)
            slots.push(...piece.slots);
        else
            ahead.push(...piecesOf(piece).reverse());
    }
    return slots;
}
export function edgeSlot(run, side) {
    for (let inner = run;;) {
        const k = side === "L" ? 0 : inner.slots.length - 1;
        const outer = inner.children[side].get(k)?.at(-1);
        if (outer === undefined)
            return itemId(inner.id, k);
        inner = outer;
    }
}
function piecesOf({ slots, children }) {
    const cuts = [...new Set([...children.L.keys(), ...children.R.keys()])].filter((k) => k < slots.length);
    const pieces = [];
    let done = 0;
    for (const k of cuts.sort((a, b) => a - b)) {
        pieces.push(slots.slice(done, k));
        pieces.push(...[...(children.L.get(k) ?? [])].reverse(), slots.slice(k, k + 1), ...(children.R.get(k) ?? []));
        done = k + 1;
    }
    pieces.push(slots.slice(done));
    return pieces;
}
function compare(a, b) {
    if (a.t !== b.t)
        return a.t - b.t;
    if (a.writer !== b.writer)
        return a.writer < b.writer ? -1 : 1;
    return a.seq - b.seq;
}
function rankOf(siblings, run) {
    let [low, high] = [0, siblings.length];
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (compare(siblings[middle], run) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
function hang(siblings, run) {
    siblings.splice(rankOf(siblings, run), 0, run);
}
function pushTo(map, key, run) {
    const there = map.get(key);
    if (there === undefined)
        map.set(key, [run]);
    else
        there.push(run);
}
