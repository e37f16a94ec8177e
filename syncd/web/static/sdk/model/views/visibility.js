import { splitEvent } from "../ids.js";
import { fromDigits, stampT } from "../stamp.js";
const SEQ_DIGITS = 11;
export class Visibility {
    consumed;
    #on = new Map();
    #clears = new Map();
    constructor(consumed = new Set()) {
        this.consumed = consumed;
    }
    setOn(item, cell) {
        if (cell === null)
            this.#on.delete(item);
        else
            this.#on.set(item, cell);
    }
    setCleared(writer, cell) {
        if (cell === null)
            this.#clears.delete(writer);
        else
            this.#clears.set(writer, { seq: fromDigits(cell.rank.slice(0, SEQ_DIGITS)), t: cell.value });
    }
    shows(item) {
        if (this.consumed.has(item))
            return false;
        const on = this.#on.get(item);
        if (on?.value === false)
            return false;
        if (this.#clears.size === 0)
            return true;
        const { writer, seq } = splitEvent(item);
        const clear = this.#clears.get(writer);
        return clear === undefined || seq > clear.seq || (on !== undefined && stampT(on.rank) > clear.t);
    }
}
