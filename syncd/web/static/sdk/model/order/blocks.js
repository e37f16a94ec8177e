const BLOCK_SLOTS = 512;
const BLOCK_SLOTS_MAX = 2 * BLOCK_SLOTS;
export class Block {
    slots;
    entries = null;
    shown = null;
    unread = 0;
    constructor(slots) {
        this.slots = slots;
    }
}
export class Blocks {
    #home = new Map();
    #blocks;
    constructor(slots = []) {
        this.#blocks = this.#cut(slots);
    }
    get length() {
        return this.#home.size;
    }
    has(slot) {
        return this.#home.has(slot);
    }
    get blocks() {
        return this.#blocks;
    }
    blockOf(slot) {
        return found(this.#home.get(slot), slot);
    }
    first() {
        return this.#blocks[0]?.slots[0] ?? null;
    }
    last() {
        return this.#blocks.at(-1)?.slots.at(-1) ?? null;
    }
    after(slot) {
        const block = this.blockOf(slot);
        const next = block.slots[block.slots.indexOf(slot) + 1];
        return next ?? this.#blocks[this.#blocks.indexOf(block) + 1]?.slots[0] ?? null;
    }
    insertBefore(slot, slots) {
        const block = this.blockOf(slot);
        this.#insert(block, block.slots.indexOf(slot), slots);
    }
    insertAfter(slot, slots) {
        if (slot !== null) {
            const block = this.blockOf(slot);
            this.#insert(block, block.slots.indexOf(slot) + 1, slots);
        }
        else if (this.#blocks[0] !== undefined) {
            this.#insert(this.#blocks[0], 0, slots);
        }
        else {
            this.#blocks = this.#cut(slots);
        }
    }
    #insert(block, index, slots) {
        block.slots.splice(index, 0, ...slots);
        block.entries?.splice(index, 0, ...slots.map(() => null));
        if (block.slots.length <= BLOCK_SLOTS_MAX) {
            for (const slot of slots)
                this.#home.set(slot, block);
        }
        else {
            this.#blocks.splice(this.#blocks.indexOf(block), 1, ...this.#cut(block.slots));
        }
    }
    #cut(slots) {
        const blocks = [];
        for (let from = 0; from < slots.length; from += BLOCK_SLOTS) {
            const block = new Block(slots.slice(from, from + BLOCK_SLOTS));
            for (const slot of block.slots)
                this.#home.set(slot, block);
            blocks.push(block);
        }
        return blocks;
    }
}
function found(value, slot) {
    if (value === undefined)
        throw new Error(`slot ${slot} is not in this list`);
    return value;
}
