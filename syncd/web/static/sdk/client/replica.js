import { digest, fold, join, sameCell } from "../model/cells.js";
import { family } from "../model/ids.js";
import { at } from "../model/views/under.js";
export class Replica {
    stream;
    confirmed;
    cursor;
    lastSeq;
    shown;
    #written = new Map();
    constructor(stream, confirmed = new Map(), cursor = null, lastSeq = 0) {
        this.stream = stream;
        this.confirmed = confirmed;
        this.cursor = cursor;
        this.lastSeq = lastSeq;
        this.shown = new Shown(confirmed);
    }
    confirm(cells) {
        return this.#show(fold(this.confirmed, cells).keys());
    }
    replace(cells) {
        const touched = new Set([...this.confirmed.keys(), ...cells.keys()]);
        this.confirmed = cells;
        return this.#show(touched);
    }
    add(event) {
        for (const [key, cell] of event.cells)
            at(this.#written, key, () => new Map()).set(event.n, cell);
        return this.#show(event.cells.keys());
    }
    drop(n, cells) {
        for (const key of cells.keys()) {
            const writes = this.#written.get(key);
            writes?.delete(n);
            if (writes?.size === 0)
                this.#written.delete(key);
        }
        return this.#show(cells.keys());
    }
    digest() {
        return digest(this.confirmed);
    }
    #show(keys) {
        const changed = new Map();
        for (const key of keys) {
            let cell = this.confirmed.get(key) ?? null;
            for (const write of this.#written.get(key)?.values() ?? [])
                cell = cell === null ? write : join(cell, write);
            if (this.shown.put(key, cell))
                changed.set(key, cell);
        }
        return changed;
    }
}
const NOTHING = new Map();
export class Shown {
    #families = new Map();
    #changes = new Map();
    constructor(cells) {
        for (const [key, cell] of cells)
            this.put(key, cell);
    }
    get(key) {
        return this.#families.get(family(key))?.get(key);
    }
    has(key) {
        return this.get(key) !== undefined;
    }
    changes(...families) {
        return families.reduce((sum, each) => sum + (this.#changes.get(each) ?? 0), 0);
    }
    of(...families) {
        const [only] = families;
        if (families.length === 1 && only !== undefined)
            return this.#families.get(only) ?? NOTHING;
        return new Map(families.flatMap((each) => [...(this.#families.get(each) ?? NOTHING)]));
    }
    all() {
        return new Map([...this.#families.values()].flatMap((cells) => [...cells]));
    }
    put(key, cell) {
        const name = family(key);
        const cells = at(this.#families, name, () => new Map());
        if (cell === null ? !cells.delete(key) : sameCell(cells.get(key), cell))
            return false;
        if (cell !== null)
            cells.set(key, cell);
        this.#changes.set(name, (this.#changes.get(name) ?? 0) + 1);
        return true;
    }
}
