import { isArray } from "../model/canonical.js";
import { shuffled, upcoming } from "../model/shuffle.js";
import { modesView } from "../model/views/modes.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { playlistStream } from "./playlist.js";
export class Upcoming {
    #state;
    #lists;
    #sources;
    constructor(state, lists, sources) {
        this.#state = state;
        this.#lists = lists;
        this.#sources = sources;
    }
    get modes() {
        return modesView(this.#state.replicas.own.shown);
    }
    entries(context) {
        const known = this.#sources.contexts?.(context) ?? null;
        if (known !== null)
            return known.map((item) => ({ id: item.id, item }));
        const { playlist, tracks } = formsOf(context);
        if (playlist !== null)
            return this.#lists.view(playlistStream(playlist), "items").items();
        return tracks.map((track, place) => ({ id: String(place), item: { track } }));
    }
    after(head, isAutomatic) {
        if (isAutomatic && this.modes.repeat === "one")
            return head.item;
        const [first] = this.#lists.view(OWN_STREAM, "queue").slice(0, 1);
        if (first !== undefined)
            return playedItem(first, "queue");
        const context = this.#contextOf(head);
        const entry = this.#afterInContext(head, context);
        if (entry !== null)
            return playedItem(entry, "context");
        const item = this.#sources.radio?.(context) ?? null;
        return item === null ? null : playedItem({ id: item.id, item }, "context");
    }
    before(head) {
        const entries = this.entries(this.#contextOf(head));
        const current = this.#ofContext(head);
        if (current === null || entries.length === 0)
            return null;
        if (head.item.from === "queue")
            return current.item;
        const order = this.#order(head, entries);
        const place = Math.max(0, order.indexOf(current.item.id));
        if (place === 0 && this.modes.repeat !== "all")
            return null;
        return playedItem(find(entries, order.at(place - 1)), "context");
    }
    #afterInContext(head, context) {
        const entries = this.entries(context);
        const current = this.#ofContext(head);
        if (entries.length === 0 || current === null)
            return entries[0] ?? null;
        const { id } = current.item;
        const ids = entries.map((entry) => entry.id);
        const { shuffle, repeat } = this.modes;
        const place = ids.indexOf(id);
        let ahead;
        if (shuffle.on)
            ahead = upcoming(ids, shuffle.seed, id, this.#firstOfRound(head, id));
        else
            ahead = place >= 0 ? ids.slice(place + 1) : this.#afterStranger(context, ids, id);
        if (ahead.length > 0)
            return find(entries, ahead[0]);
        return repeat === "all" ? find(entries, this.#order(head, entries)[0]) : null;
    }
    #afterStranger(context, ids, id) {
        const { playlist } = formsOf(context);
        if (playlist === null)
            return ids;
        const view = this.#lists.view(playlistStream(playlist), "items");
        if (!view.has(id))
            return ids;
        const slots = view.slots();
        const behind = new Set(slots.slice(slots.indexOf(view.slotOf(id)) + 1));
        return ids.filter((each) => view.has(each) && behind.has(view.slotOf(each)));
    }
    #order(head, entries) {
        const ids = entries.map((entry) => entry.id);
        const { shuffle } = this.modes;
        if (!shuffle.on)
            return ids;
        const current = this.#ofContext(head);
        return shuffled(ids, shuffle.seed, current === null ? null : this.#firstOfRound(head, current.item.id));
    }
    #firstOfRound(head, current) {
        const setAt = this.#state.replicas.own.shown.get("mode/shuffle")?.rank ?? "";
        let first = current;
        for (const play of this.#plays.chain(head)) {
            if (play.epoch !== head.epoch)
                break;
            if (play.item.from === "context") {
                first = play.item.id;
                if (play.rank < setAt)
                    break;
            }
        }
        return first;
    }
    #contextOf(head) {
        return this.#plays.startOf(head)?.context ?? null;
    }
    #ofContext(head) {
        for (const play of this.#plays.chain(head))
            if (play.item.from === "context")
                return play;
        return null;
    }
    get #plays() {
        return this.#lists.plays();
    }
}
export function playedItem({ id, item }, from) {
    return { ...item, from, id };
}
function formsOf(context) {
    if (typeof context !== "object" || context === null || isArray(context))
        return { playlist: null, tracks: [] };
    const { playlist, tracks } = context;
    return {
        playlist: typeof playlist === "string" ? playlist : null,
        tracks: isArray(tracks) ? tracks.filter((track) => typeof track === "string") : [],
    };
}
function find(entries, id) {
    const found = entries.find((entry) => entry.id === id);
    if (found === undefined)
        throw new Error(`item ${id} is not in its context`);
    return found;
}
