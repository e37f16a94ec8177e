import * as edits from "../model/edits.js";
import { dataOf } from "../model/events.js";
import { itemId } from "../model/ids.js";
import { references } from "../model/references.js";
export class Reissue {
    #state;
    #lists;
    #left = new Map();
    constructor(state, lists) {
        this.#state = state;
        this.#lists = lists;
    }
    refused(nack) {
        const event = this.#state.outbox.find(this.#state.replicas.get(nack.stream).stream, nack.seq);
        if (!event?.isSaved)
            return null;
        this.#rememberNeighbours(event);
        const isList = nack.reason === "orphan" && event.event.kind.startsWith("list.");
        this.#state.refused(nack, isList ? "reissued" : "refused");
        const reissued = isList && this.#makeAgain(event);
        const { stream, kind } = event.event;
        return { stream, kind, reason: nack.reason, message: nack.message, reissued };
    }
    missesPlaces() {
        return ![...this.#state.outbox].every((event) => this.#hasPlace(event));
    }
    rehome() {
        const told = [];
        for (const event of [...this.#state.outbox]) {
            if (event.outcome !== "pending" || !event.isSaved || this.#hasPlace(event))
                continue;
            const { stream, seq } = event.pending;
            const lost = { type: "nack", stream, seq, reason: "orphan", message: "its place in the list is gone" };
            const refusal = this.refused(lost);
            if (refusal !== null)
                told.push(refusal);
        }
        return told;
    }
    #hasPlace({ event }) {
        const data = dataOf(event, "list.inserted") ?? dataOf(event, "list.moved");
        const parent = data?.parent ?? null;
        return data === undefined || parent === null || this.#lists.view(event.stream, data.list).hasSlot(parent);
    }
    #rememberNeighbours(refused) {
        const lost = new Set([refused.id]);
        for (const own of this.#state.outbox) {
            const { event, id, n } = own;
            const isOrphan = [...references(event.kind, event.data)].some((name) => lost.has(name));
            if (event.stream !== refused.event.stream || !isOrphan)
                continue;
            lost.add(id);
            const [inserted, moved] = [dataOf(event, "list.inserted"), dataOf(event, "list.moved")];
            const first = inserted === undefined ? moved?.ids[0] : itemId(id, 0);
            const list = (inserted ?? moved)?.list;
            if (first === undefined || list === undefined || this.#left.has(n))
                continue;
            const view = this.#lists.view(event.stream, list);
            if (view.shows(first))
                this.#left.set(n, leftOf(view, first, refused));
        }
    }
    #makeAgain(own) {
        const { event, id } = own;
        const view = this.#lists.view(event.stream, event.data.list);
        const data = this.#edit(own, view);
        if (data === null)
            return false;
        const made = this.#state.make({ kind: event.kind, data, stream: event.stream, validMs: null });
        this.#state.outbox.remember(id, made);
        return true;
    }
    #edit(own, view) {
        const { event } = own;
        const inserted = dataOf(event, "list.inserted");
        if (inserted !== undefined) {
            const where = this.#where(own, view);
            return where === "end"
                ? edits.insertAtEnd(view, inserted.items)
                : edits.insertAfter(view, where.left, inserted.items);
        }
        const back = dataOf(event, "list.moved_back");
        if (back !== undefined)
            return this.#movedBack(event.stream, back, view);
        const listed = dataOf(event, "list.moved") ?? dataOf(event, "list.removed") ?? dataOf(event, "list.restored");
        const ids = listed === undefined ? [] : this.#known(event.stream, listed.ids, view);
        if (ids.length === 0)
            return null;
        if (event.kind !== "list.moved")
            return edits.removeOrRestore(view, ids);
        const where = this.#where(own, view);
        if (where !== "end")
            return edits.moveAfter(view, ids, where.left);
        return edits.moveTo(view, ids, view.length - ids.filter((id) => view.shows(id)).length);
    }
    #movedBack(stream, { list, item, slot }, view) {
        const now = { list, item: this.#now(stream, item), slot: this.#now(stream, slot) };
        return view.has(now.item) && view.hasSlot(now.slot) ? now : null;
    }
    #where({ n, event }, view) {
        const left = this.#left.get(n);
        this.#left.delete(n);
        if (left === undefined || left === null)
            return left === null ? { left } : "end";
        const [known] = this.#known(event.stream, [left], view);
        return known === undefined ? "end" : { left: known };
    }
    #known(stream, ids, view) {
        return ids.map((id) => this.#now(stream, id)).filter((id) => view.has(id));
    }
    #now(stream, id) {
        return this.#state.outbox.nowCalled(stream, id);
    }
}
function leftOf(view, item, refused) {
    const before = view.slice(0, view.indexOf(item)).reverse();
    return before.find(({ id }) => !id.startsWith(`${refused.id}.`))?.id ?? null;
}
