import { StoreBusy, UndoGone } from "../errors.js";
import { sameCell } from "../model/cells.js";
const BY_IMPORTANCE = ["refused", "pending", "reissued", "gone"];
export class Done {
    events;
    #state;
    #restore;
    constructor(state, events, restore = null) {
        this.events = events;
        this.#state = state;
        this.#restore = restore;
    }
    get outcome() {
        const outcomes = new Set(this.events.map(({ outcome }) => outcome));
        return BY_IMPORTANCE.find((outcome) => outcomes.has(outcome)) ?? "admitted";
    }
    async saved() {
        await this.#state.stored();
        const lost = this.events.find(({ isSaved, outcome }) => !isSaved && outcome === "refused");
        if (lost !== undefined)
            throw new StoreBusy(lost.refusal?.message ?? "the store did not take it");
    }
    get undo() {
        if (this.#drafts().length === 0)
            return null;
        return () => {
            const drafts = this.#drafts();
            if (drafts.length === 0)
                throw new UndoGone("there is nothing left to undo: it was changed since, or undone already");
            return new Done(this.#state, drafts.map((draft) => this.#state.make(draft)));
        };
    }
    #drafts() {
        const restore = this.#restore;
        if (restore === null)
            return [];
        const open = this.events.filter(({ outcome }) => outcome === "pending" || outcome === "admitted");
        return open.reverse().flatMap((event) => restore(event, this.#mine(event)));
    }
    #mine({ cells, pending: { stream } }) {
        const { shown } = this.#state.replicas.get(stream);
        return new Set([...cells].filter(([key, cell]) => sameCell(shown.get(key), cell)).map(([key]) => key));
    }
}
