const UNREAD_MAX = 8;
export class Shown {
    order;
    #first = new Map();
    #crowds = new Map();
    constructor(order) {
        this.order = order;
    }
    clear() {
        this.#first.clear();
        this.#crowds.clear();
        for (const block of this.order.slots.blocks)
            block.entries = block.shown = null;
    }
    add(slot, entry) {
        const there = this.#first.get(slot);
        if (there === undefined) {
            this.#set(slot, entry);
            return;
        }
        const crowd = [...(this.#crowds.get(slot) ?? [there]), entry].sort((a, b) => (a.id < b.id ? -1 : 1));
        this.#crowds.set(slot, crowd);
        this.#set(slot, crowd[0] ?? null);
    }
    discard(slot, item) {
        const crowd = this.#crowds.get(slot);
        if (crowd !== undefined) {
            const others = crowd.filter(({ id }) => id !== item);
            if (others.length > 1)
                this.#crowds.set(slot, others);
            else
                this.#crowds.delete(slot);
            this.#set(slot, others[0] ?? null);
        }
        else if (this.#first.get(slot)?.id === item) {
            this.#set(slot, null);
        }
    }
    inBlock(block) {
        if (block.shown === null) {
            block.entries ??= block.slots.map((slot) => this.#first.get(slot) ?? null);
            block.unread = 0;
            const first = block.entries.filter((entry) => entry !== null);
            block.shown =
                this.#crowds.size === 0
                    ? first
                    : block.slots.flatMap((slot) => this.#crowds.get(slot) ?? this.#first.get(slot) ?? []);
        }
        return block.shown;
    }
    #set(slot, entry) {
        if (entry === null)
            this.#first.delete(slot);
        else
            this.#first.set(slot, entry);
        const block = this.order.slots.blockOf(slot);
        block.shown = null;
        block.unread++;
        if (block.unread > UNREAD_MAX)
            block.entries = null;
        else if (block.entries !== null)
            block.entries[block.slots.indexOf(slot)] = entry;
    }
}
