import { NotFound } from "../../errors.js";
import { cutAtSlash, itemId } from "../ids.js";
import { ListOrder } from "../order/place.js";
import { runOf } from "../order/tree.js";
import { insertedItems, seenIn } from "./lists.js";
import { Shown } from "./shown.js";
import { at } from "./under.js";
import { Visibility } from "./visibility.js";
export class ListView {
    name;
    #order = new ListOrder();
    #visibility = new Visibility();
    #entries = new Map();
    #at = new Map();
    #drawn = new Map();
    #seat = new Map();
    #shown = new Shown(this.#order);
    #items = null;
    constructor(name, cells = new Map()) {
        this.name = name;
        this.apply(cells);
    }
    apply(changed) {
        const runs = new Map();
        const touched = new Set();
        let [isMine, isEverybody] = [false, false];
        for (const [key, cell] of changed) {
            const [list, rest] = cutAtSlash(key);
            if (list !== this.name)
                continue;
            isMine = true;
            const [part, name] = cutAtSlash(rest);
            if (part === "run") {
                runs.set(name, this.#takeRun(name, cell, touched));
            }
            else if (part === "at") {
                this.#draw(name, cell === null ? null : cell.value);
                touched.add(name);
            }
            else if (part === "on") {
                this.#visibility.setOn(name, cell);
                touched.add(name);
            }
            else if (part === "cleared") {
                this.#visibility.setCleared(name, cell);
                isEverybody = true;
            }
        }
        if (runs.size > 0) {
            const entered = this.#order.apply(runs);
            isEverybody ||= entered === null;
            for (const slot of entered ?? []) {
                touched.add(slot);
                for (const item of this.#drawn.get(slot) ?? [])
                    touched.add(item);
            }
        }
        if (isEverybody)
            this.#seatEverybody();
        else
            this.#seatAgain(touched);
        return isMine;
    }
    consume(consumed) {
        const before = this.#visibility.consumed;
        this.#visibility.consumed = consumed;
        this.#seatAgain([...before].filter((item) => !consumed.has(item)));
        this.#seatAgain([...consumed].filter((item) => !before.has(item)));
    }
    get length() {
        return this.#order.slots.blocks.reduce((sum, block) => sum + this.#shown.inBlock(block).length, 0);
    }
    items() {
        this.#items ??= this.#order.slots.blocks.flatMap((block) => this.#shown.inBlock(block));
        return this.#items;
    }
    slice(start, stop) {
        const entries = [];
        let before = 0;
        for (const block of this.#order.slots.blocks) {
            const shown = this.#shown.inBlock(block);
            entries.push(...shown.slice(Math.max(start - before, 0), Math.max(stop - before, 0)));
            before += shown.length;
            if (before >= stop)
                break;
        }
        return entries;
    }
    shows(item) {
        return this.#seat.has(item) && this.#visibility.shows(item);
    }
    indexOf(item) {
        const seat = this.#seat.get(item);
        if (seat === undefined || !this.shows(item))
            throw new NotFound(`${item} does not show in ${this.name}`);
        const home = this.#order.slots.blockOf(seat);
        let before = 0;
        for (const block of this.#order.slots.blocks) {
            if (block === home)
                break;
            before += this.#shown.inBlock(block).length;
        }
        return before + this.#shown.inBlock(home).findIndex(({ id }) => id === item);
    }
    has(item) {
        return this.#seat.has(item);
    }
    slotOf(item) {
        const slot = this.#seat.get(item);
        if (slot === undefined)
            throw new NotFound(`${item} is not in ${this.name}`);
        return slot;
    }
    place(left) {
        return this.#order.place(left);
    }
    placeAtEnd() {
        return this.#order.placeAtEnd();
    }
    seen() {
        return seenIn(this.#order.runIds);
    }
    hasSlot(slot) {
        return this.#order.slots.has(slot);
    }
    slots() {
        return this.#order.slots.blocks.flatMap((block) => block.slots);
    }
    #takeRun(runId, cell, touched) {
        for (let k = 0; this.#entries.delete(itemId(runId, k)); k++)
            touched.add(itemId(runId, k));
        if (cell === null)
            return null;
        for (const entry of insertedItems(runId, cell)) {
            this.#entries.set(entry.id, entry);
            touched.add(entry.id);
        }
        return runOf(runId, cell.value);
    }
    #draw(item, slot) {
        const old = this.#at.get(item);
        if (old !== undefined) {
            this.#at.delete(item);
            this.#drawn.get(old)?.delete(item);
            if (this.#drawn.get(old)?.size === 0)
                this.#drawn.delete(old);
        }
        if (slot === null)
            return;
        this.#at.set(item, slot);
        at(this.#drawn, slot, () => new Set()).add(item);
    }
    #seatEverybody() {
        this.#items = null;
        this.#seat.clear();
        this.#shown.clear();
        this.#seatAgain(this.#entries.keys());
    }
    #seatAgain(items) {
        const { slots } = this.#order;
        for (const item of items) {
            this.#items = null;
            const left = this.#seat.get(item);
            if (left !== undefined) {
                this.#seat.delete(item);
                this.#shown.discard(left, item);
            }
            const entry = this.#entries.get(item);
            if (entry === undefined)
                continue;
            const drawn = this.#at.get(item);
            const slot = drawn !== undefined && slots.has(drawn) ? drawn : item;
            if (!slots.has(slot))
                continue;
            this.#seat.set(item, slot);
            if (this.#visibility.shows(item))
                this.#shown.add(slot, entry);
        }
    }
}
