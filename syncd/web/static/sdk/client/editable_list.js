import { ITEMS_MAX } from "../limits.js";
import * as edits from "../model/edits.js";
import { itemId } from "../model/ids.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { ofFamilies, subscribe } from "./subscribe.js";
export class EditableList {
    stream;
    list;
    state;
    lists;
    constructor(state, lists, stream, list) {
        this.stream = stream;
        this.list = list;
        this.state = state;
        this.lists = lists;
    }
    get items() {
        return this.view.items();
    }
    get tracks() {
        return this.items.map(({ item }) => String(item["track"]));
    }
    slice(start, stop) {
        return this.view.slice(start, stop);
    }
    get length() {
        return this.view.length;
    }
    [Symbol.iterator]() {
        return this.items[Symbol.iterator]();
    }
    subscribe(callback) {
        return subscribe(this.state, ofFamilies(this.stream, this.list), callback);
    }
    add(...tracks) {
        return this.#insert(tracks, (view, items) => edits.insertAtEnd(view, items));
    }
    insert(index, ...tracks) {
        return this.#insert(tracks, (view, items, last) => last === null ? edits.insertAt(view, index, items) : edits.insertAfter(view, last, items));
    }
    insertAfter(entry, ...tracks) {
        return this.#insert(tracks, (view, items, last) => edits.insertAfter(view, last ?? this.#now(entry), items));
    }
    remove(...entries) {
        const events = chunks(this.#allNow(entries)).map((ids) => this.#edit("list.removed", (view) => edits.removeOrRestore(view, ids)));
        return new Done(this.state, events, (event, mine) => {
            const { ids } = event.event.data;
            return this.#restored(ids.filter((id) => mine.has(`${this.list}/on/${id}`)));
        });
    }
    move(entries, { to }) {
        return this.#move(entries, (view, ids) => edits.moveTo(view, ids, to));
    }
    moveAfter(entries, { left }) {
        return this.#move(entries, (view, ids) => edits.moveAfter(view, ids, this.#now(left)));
    }
    clear() {
        const showed = this.items.map(({ id }) => id);
        const event = this.#edit("list.cleared", edits.clear);
        return new Done(this.state, [event], (_, mine) => {
            const gone = this.#allNow(showed).filter((id) => !this.view.shows(id));
            return mine.size > 0 ? this.#restored(gone) : [];
        });
    }
    get view() {
        return this.lists.view(this.stream, this.list);
    }
    #edit(kind, edit) {
        return this.state.act(() => draft(kind, edit(this.view), this));
    }
    #insert(tracks, place) {
        const items = tracks.map((track) => (typeof track === "string" ? { track } : track));
        const events = [];
        for (const chunk of chunks(items)) {
            const before = events.at(-1);
            const last = before === undefined ? null : itemId(before.id, insertedBy(before) - 1);
            events.push(this.#edit("list.inserted", (view) => place(view, chunk, last)));
        }
        return new Done(this.state, events, (event) => {
            const ids = Array.from({ length: insertedBy(event) }, (_, k) => itemId(event.id, k));
            const there = ids.filter((id) => this.view.shows(id));
            return there.length === 0 ? [] : [draft("list.removed", { list: this.list, ids: there }, this)];
        });
    }
    #move(entries, edit) {
        const ids = this.#allNow(typeof entries === "string" ? [entries] : entries);
        const before = ids.map((id) => [id, this.view.slotOf(id)]);
        const event = this.#edit("list.moved", (view) => edit(view, ids));
        const restore = (_, mine) => before.flatMap((names) => {
            const [item = "", slot = ""] = this.#allNow(names);
            if (!mine.has(`${this.list}/at/${item}`))
                return [];
            return [draft("list.moved_back", { list: this.list, item, slot }, this)];
        });
        return new Done(this.state, [event], restore);
    }
    #restored(ids) {
        if (ids.length === 0)
            return [];
        return chunks(ids).map((chunk) => draft("list.restored", { list: this.list, ids: chunk }, this));
    }
    #allNow(ids) {
        return ids.map((id) => this.state.outbox.nowCalled(this.stream, id));
    }
    #now(id) {
        return id === null ? null : this.state.outbox.nowCalled(this.stream, id);
    }
}
function insertedBy({ event }) {
    return event.data.items.length;
}
function chunks(all) {
    const count = Math.max(1, Math.ceil(all.length / ITEMS_MAX));
    return Array.from({ length: count }, (_, index) => all.slice(index * ITEMS_MAX, (index + 1) * ITEMS_MAX));
}
