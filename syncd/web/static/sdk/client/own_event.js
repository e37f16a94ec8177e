import { eventId } from "../model/ids.js";
import { lower } from "../model/lowering/lowering.js";
export class OwnEvent {
    n;
    isSaved;
    outcome = "pending";
    refusal = null;
    #pending;
    #event;
    #cells;
    constructor(n, pending, writer, isSaved) {
        this.n = n;
        this.isSaved = isSaved;
        this.become(pending, writer);
    }
    get pending() {
        return this.#pending;
    }
    get event() {
        return this.#event;
    }
    get cells() {
        return this.#cells;
    }
    get id() {
        return eventId(this.#event.writer, this.#event.seq);
    }
    become(pending, writer) {
        this.#pending = pending;
        const { stream, seq, t, kind, data } = pending;
        this.#standAs({ stream, writer, seq, t, kind, data });
    }
    sent() {
        this.#pending = { ...this.#pending, sent: true };
    }
    admitted(t) {
        this.outcome = "admitted";
        if (t !== this.#event.t)
            this.#standAs({ ...this.#event, t });
    }
    #standAs(event) {
        this.#event = event;
        this.#cells = lower(event);
    }
}
