import { StoreBusy } from "../errors.js";
const FLUSH_MS = 50;
const RETRY_MS = 1_000;
export class Flusher {
    state;
    fail;
    #timer = null;
    #isOver = false;
    constructor(state, fail) {
        this.state = state;
        this.fail = fail;
    }
    soon() {
        if (this.state.hasUnsaved)
            this.#in(FLUSH_MS);
    }
    stop() {
        this.#isOver = true;
        clearTimeout(this.#timer ?? undefined);
    }
    #in(delayMs) {
        if (this.#timer === null && !this.#isOver)
            this.#timer = setTimeout(() => void this.#flush(), delayMs);
    }
    async #flush() {
        this.#timer = null;
        try {
            await this.state.flush();
        }
        catch (error) {
            if (error instanceof StoreBusy)
                this.#in(RETRY_MS);
            else
                this.fail(error);
        }
    }
}
