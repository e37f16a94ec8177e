import { keyPart } from "../model/ids.js";
import { progressView, through } from "../model/views/progress.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { KeptView } from "./kept_view.js";
export class Progress {
    #state;
    #all;
    constructor(state) {
        this.#state = state;
        this.#all = new KeptView(state, OWN_STREAM, ["progress"], progressView);
    }
    get all() {
        return this.#all.get();
    }
    subscribe(callback) {
        return this.#all.subscribe(callback);
    }
    of(episode) {
        return progressView(this.#cells(episode)).get(episode) ?? null;
    }
    listened(episode, positionMs, { durationMs = null, finished = false } = {}) {
        const event = this.#state.act(() => draft("progress.listened", {
            episode,
            position_ms: positionMs,
            through: through(this.#cells(episode), episode),
            duration_ms: durationMs,
            finished,
        }));
        return new Done(this.#state, [event]);
    }
    markPlayed(episode, { played = true } = {}) {
        return new Done(this.#state, [this.#state.make(draft("progress.marked", { episode, played }))]);
    }
    #cells(episode) {
        const { shown } = this.#state.replicas.own;
        const keys = ["latest", "furthest"].map((field) => `progress/${keyPart(episode)}/${field}`);
        return new Map(keys.flatMap((key) => (shown.has(key) ? [[key, shown.get(key)]] : [])));
    }
}
