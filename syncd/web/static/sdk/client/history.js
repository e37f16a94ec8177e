import { historyView } from "../model/views/history.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { KeptView } from "./kept_view.js";
export class History {
    #state;
    #entries;
    constructor(state) {
        this.#state = state;
        this.#entries = new KeptView(state, OWN_STREAM, ["history", "history_cleared"], historyView);
    }
    get entries() {
        return this.#entries.get();
    }
    subscribe(callback) {
        return this.#entries.subscribe(callback);
    }
    played(play, track, heard) {
        const { startedMs, listenedMs, context = null, skipped = false, reason = null } = heard;
        return this.#make(draft("history.played", {
            play: this.#now(play),
            track,
            started_ms: startedMs,
            listened_ms: listenedMs,
            context,
            skipped,
            reason,
        }));
    }
    remove(play) {
        return this.#make(draft("history.removed", { play: this.#now(play) }));
    }
    clear() {
        return this.#make(draft("history.cleared", { before_ms: this.#state.time.nowMs() }));
    }
    #make(given) {
        return new Done(this.#state, [this.#state.make(given)]);
    }
    #now(play) {
        return this.#state.outbox.nowCalled(OWN_STREAM, play);
    }
}
