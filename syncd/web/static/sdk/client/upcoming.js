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
    items(context) {
        const known = this.#sources.contexts?.(context) ?? null;
        if (known !== null)
            return known;
        const { playlist, tracks } = formsOf(context);
        if (playlist !== null) {
            const entries = this.#lists.view(playlistStream(playlist), "items").items();
            return entries.map(({ id, item }) => ({ ...item, id }));
        }
        return tracks.map((track, place) => ({ id: String(place), track }));
    }
    after(head, isAutomatic) {
        if (isAutomatic && this.modes.repeat === "one")
            return playedItem(head.item, head.item.from);
        const [first] = this.#lists.view(OWN_STREAM, "queue").slice(0, 1);
        if (first !== undefined)
            return playedItem({ ...first.item, id: first.id }, "queue");
        const context = this.#contextOf(head);
        const item = this.#afterInContext(head, context) ?? this.#sources.radio?.(context) ?? null;
        return item === null ? null : playedItem(item, "context");
    }
    before(head) {
        const items = this.items(this.#contextOf(head));
        const current = this.#ofContext(head);
        if (current === null || items.length === 0)
            return null;
        if (head.item.from === "queue")
            return playedItem(current.item, "context");
        const order = this.#order(head, items);
        const place = Math.max(0, order.indexOf(current.item.id));
        if (place === 0 && this.modes.repeat !== "all")
            return null;
        return playedItem(find(items, order.at(place - 1)), "context");
    }
    #afterInContext(head, context) {
        const items = this.items(context);
        const current = this.#ofContext(head);
        if (items.length === 0 || current === null)
            return items[0] ?? null;
        const { id } = current.item;
        const ids = items.map((item) => item.id);
        const { shuffle, repeat } = this.modes;
        const place = ids.indexOf(id);
        let ahead;
        if (shuffle.on)
            ahead = upcoming(ids, shuffle.seed, id, this.#firstOfRound(head, id));
        else
            ahead = place >= 0 ? ids.slice(place + 1) : this.#afterStranger(context, ids, id);
        if (ahead[0] !== undefined)
            return find(items, ahead[0]);
        return repeat === "all" ? find(items, this.#order(head, items)[0]) : null;
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
    #order(head, items) {
        const ids = items.map((item) => item.id);
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
export function playedItem(item, from) {
    return { ...item, from, id: item.id };
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
function find(items, id) {
    const found = items.find((item) => item.id === id);
    if (found === undefined)
        throw new Error(`item ${id} is not in its context`);
    return found;
}
