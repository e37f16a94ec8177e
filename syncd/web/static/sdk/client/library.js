import { ITEMS_MAX } from "../limits.js";
import { keyPart } from "../model/ids.js";
import { libraryView } from "../model/views/library.js";
import { at } from "../model/views/under.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { KeptView } from "./kept_view.js";
const RATINGS = "ratings";
export class Library {
    #state;
    #sets;
    constructor(state) {
        this.#state = state;
        this.#sets = new KeptView(state, OWN_STREAM, ["library"], libraryView);
    }
    get sets() {
        return this.#sets.get();
    }
    subscribe(callback) {
        return this.#sets.subscribe(callback);
    }
    has(set, id) {
        return this.#value(set, id) !== false;
    }
    rating(id) {
        const value = this.#value(RATINGS, id);
        return typeof value === "number" ? value : null;
    }
    add(set, ...ids) {
        return this.#change(set, ids, true);
    }
    remove(set, ...ids) {
        return this.#change(set, ids, false);
    }
    rate(id, rating) {
        return this.#change(RATINGS, [id], rating ?? false);
    }
    #value(set, id) {
        const value = this.#state.replicas.own.shown.get(keyOf(set, id))?.value;
        return typeof value === "number" || value === true ? value : false;
    }
    #change(set, ids, value) {
        const before = new Map(ids.map((id) => [id, this.#value(set, id)]));
        const fresh = [...before.keys()].filter((id) => before.get(id) !== value);
        const events = [];
        for (let from = 0; from < fresh.length; from += ITEMS_MAX) {
            events.push(this.#state.make(changed(set, fresh.slice(from, from + ITEMS_MAX), value)));
        }
        return new Done(this.#state, events, (event, mine) => {
            const back = new Map();
            for (const id of event.event.data.ids) {
                if (mine.has(keyOf(set, id)))
                    at(back, before.get(id) ?? false, () => []).push(id);
            }
            return Array.from(back, ([old, each]) => changed(set, each, old));
        });
    }
}
function keyOf(set, id) {
    return `library/${keyPart(set)}/${keyPart(id)}`;
}
function changed(set, ids, value) {
    return draft("library.changed", { set, ids, value });
}
