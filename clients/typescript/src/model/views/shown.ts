/**
 * The entries of a list that show, slot by slot, and in order block by block.
 *
 * Reading joins what the blocks of the order remember. A change forgets one block's answer and, as long as changes are
 * few, mends what that is made of, so that the next reading costs a few microseconds; after many changes, as when 500
 * tracks come at once, the block is looked up anew.
 */
import type { Block, ItemView } from "../order/blocks.js";
import type { ListOrder } from "../order/place.js";

/** Changes to mend in a block that nobody reads: each costs about an eighth of looking up the whole block. */
const UNREAD_MAX = 8;

/** What shows at each visible slot: nearly always one entry or none, more only by a faulty writer. */
export class Shown {
  readonly #first = new Map<string, ItemView>();
  /** Slot -> its entries, by id, where there are two or more. */
  readonly #crowds = new Map<string, ItemView[]>();

  constructor(readonly order: ListOrder) {}

  /** Show nothing. */
  clear(): void {
    this.#first.clear();
    this.#crowds.clear();
    for (const block of this.order.slots.blocks) block.entries = block.shown = null;
  }

  /** Show an entry that does not show yet, at a slot that is in the order. */
  add(slot: string, entry: ItemView): void {
    const there = this.#first.get(slot);
    if (there === undefined) {
      this.#set(slot, entry);
      return;
    }
    const crowd = [...(this.#crowds.get(slot) ?? [there]), entry].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#crowds.set(slot, crowd);
    this.#set(slot, crowd[0] ?? null);
  }

  /** Show an entry no more, if it showed at this slot. */
  discard(slot: string, item: string): void {
    const crowd = this.#crowds.get(slot);
    if (crowd !== undefined) {
      const others = crowd.filter(({ id }) => id !== item);
      if (others.length > 1) this.#crowds.set(slot, others);
      else this.#crowds.delete(slot);
      this.#set(slot, others[0] ?? null);
    } else if (this.#first.get(slot)?.id === item) {
      this.#set(slot, null);
    }
  }

  /** The entries that show in one block, in order. */
  inBlock(block: Block): readonly ItemView[] {
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

  /** Make an entry the first at a slot, or the slot empty. */
  #set(slot: string, entry: ItemView | null): void {
    if (entry === null) this.#first.delete(slot);
    else this.#first.set(slot, entry);
    const block = this.order.slots.blockOf(slot);
    block.shown = null;
    block.unread++;
    if (block.unread > UNREAD_MAX) block.entries = null;
    else if (block.entries !== null) block.entries[block.slots.indexOf(slot)] = entry;
  }
}
