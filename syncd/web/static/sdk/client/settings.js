import { keyPart } from "../model/ids.js";
import { settingsView } from "../model/views/settings.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { KeptView } from "./kept_view.js";
export class Settings {
    #state;
    #all;
    constructor(state) {
        this.#state = state;
        this.#all = new KeptView(state, OWN_STREAM, ["settings"], settingsView);
    }
    get all() {
        return this.#all.get();
    }
    subscribe(callback) {
        return this.#all.subscribe(callback);
    }
    get(key, fallback = null) {
        return this.#state.replicas.own.shown.get(keyOf(key))?.value ?? fallback;
    }
    set(key, value) {
        return this.update({ [key]: value });
    }
    update(settings) {
        const before = Object.keys(settings).map((key) => [key, this.get(key)]);
        const event = this.#state.make(draft("settings.changed", settings));
        return new Done(this.#state, [event], (_, mine) => {
            const back = before.filter(([key]) => mine.has(keyOf(key)));
            return back.length === 0 ? [] : [draft("settings.changed", Object.fromEntries(back))];
        });
    }
}
function keyOf(key) {
    return `settings/${keyPart(key)}`;
}
