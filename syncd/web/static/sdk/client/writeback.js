import { at } from "../model/views/under.js";
import { Unsaved } from "./store_rows.js";
export class Writeback {
    store;
    #waiting = new Unsaved();
    constructor(store) {
        this.store = store;
    }
    get size() {
        return this.#waiting.size;
    }
    confirmed(stream, cells) {
        const waiting = at(this.#waiting.cells, stream, () => new Map());
        for (const [key, cell] of cells)
            waiting.set(key, cell);
    }
    replaced(stream, cells) {
        this.#waiting.replaced.add(stream);
        this.#waiting.cells.set(stream, new Map(cells));
    }
    cursor(stream, cursor) {
        this.#waiting.cursors.set(stream, cursor);
    }
    answered(n) {
        this.#waiting.answered.add(n);
    }
    forget() {
        this.#waiting = new Unsaved();
    }
    async flush(clocks, term) {
        const leaving = this.#waiting;
        if (leaving.size === 0)
            return leaving.answered;
        this.#waiting = new Unsaved();
        try {
            await this.store.save(leaving, clocks, term);
        }
        catch (error) {
            leaving.putUnder(this.#waiting);
            this.#waiting = leaving;
            throw error;
        }
        return leaving.answered;
    }
}
