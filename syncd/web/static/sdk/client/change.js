import { family } from "../model/ids.js";
export class Change {
    stream;
    cells;
    by;
    constructor(stream, cells, by = null) {
        this.stream = stream;
        this.cells = cells;
        this.by = by;
    }
    get areas() {
        return new Set(Array.from(this.cells.keys(), family));
    }
}
