import { NotFound } from "../errors.js";
import { at } from "../model/views/under.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { EditableList } from "./editable_list.js";
export class Sidebar {
    #places;
    constructor(state, lists) {
        this.#places = new EditableList(state, lists, OWN_STREAM, "sidebar");
    }
    move(playlist, to, shown) {
        const from = shown.indexOf(playlist);
        if (from < 0)
            throw new NotFound(`playlist ${playlist} is not among the ${shown.length} playlists of the library`);
        if (!Number.isInteger(to) || to < 0 || to >= shown.length) {
            throw new NotFound(`index ${to} is outside 0 to ${shown.length - 1}, the places of ${shown.length} playlists`);
        }
        const before = shown.slice(0, to <= from ? to : to + 1);
        const placed = this.#entries();
        const without = before.filter((id) => !placed.has(id));
        if (without.length > 0)
            this.#places.add(...without.map((id) => ({ playlist: id })));
        const entries = this.#entries();
        const left = entries.get(before.at(-1) ?? "")?.[0] ?? null;
        const own = entries.get(playlist);
        return own === undefined ? this.#places.insertAfter(left, { playlist }) : this.#places.moveAfter(own, { left });
    }
    #entries() {
        const entries = new Map();
        for (const { id, item } of this.#places)
            at(entries, String(item["playlist"]), () => []).push(id);
        return entries;
    }
}
