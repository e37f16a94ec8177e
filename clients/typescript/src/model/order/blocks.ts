/**
 * A long sequence of slots in blocks of about 512.
 *
 * One array would find a slot only by looking at every slot before it. Here a slot knows its block, a search looks inside
 * that one block, and counting goes over whole blocks. Blocks that grow past 1,024 are split, so a search stays bounded.
 * Source: merge.md section 3.1.
 */
import type { JsonObject } from "../canonical.js";

/** Slots in a fresh block: searching half of one takes about as long as counting over the blocks of 100,000 slots. */
const BLOCK_SLOTS = 512;
/** A block that would grow beyond it is split, so that an insertion pays for a split once in 512. */
const BLOCK_SLOTS_MAX = 2 * BLOCK_SLOTS;

/** One entry of a list, as a listener sees it: its id, and the item as it was inserted. */
export type ItemView = { readonly id: string; readonly item: JsonObject };

/**
 * A stretch of slots, and what the view of the list remembers of it (`views/shown.ts`).
 *
 * `entries` are what shows at each slot, null where nothing does; `shown` are those that are not null. Either is null
 * when the view has to look again; `unread` counts the changes made to `entries` since `shown` was read.
 */
export class Block {
  entries: (ItemView | null)[] | null = null;
  shown: readonly ItemView[] | null = null;
  unread = 0;

  constructor(readonly slots: string[]) {}
}

/** Slots in order, each at most once. */
export class Blocks {
  readonly #home = new Map<string, Block>();
  #blocks: Block[];

  constructor(slots: readonly string[] = []) {
    this.#blocks = this.#cut(slots);
  }

  get length(): number {
    return this.#home.size;
  }

  has(slot: string): boolean {
    return this.#home.has(slot);
  }

  /** The blocks in order. */
  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** The block of a slot that is here. */
  blockOf(slot: string): Block {
    return found(this.#home.get(slot), slot);
  }

  first(): string | null {
    return this.#blocks[0]?.slots[0] ?? null;
  }

  last(): string | null {
    return this.#blocks.at(-1)?.slots.at(-1) ?? null;
  }

  /** The slot right after one that is here; null at the end. */
  after(slot: string): string | null {
    const block = this.blockOf(slot);
    const next = block.slots[block.slots.indexOf(slot) + 1];
    return next ?? this.#blocks[this.#blocks.indexOf(block) + 1]?.slots[0] ?? null;
  }

  /** Put new slots right before one that is here. */
  insertBefore(slot: string, slots: readonly string[]): void {
    const block = this.blockOf(slot);
    this.#insert(block, block.slots.indexOf(slot), slots);
  }

  /** Put new slots right after one that is here; null stands for the start. */
  insertAfter(slot: string | null, slots: readonly string[]): void {
    if (slot !== null) {
      const block = this.blockOf(slot);
      this.#insert(block, block.slots.indexOf(slot) + 1, slots);
    } else if (this.#blocks[0] !== undefined) {
      this.#insert(this.#blocks[0], 0, slots);
    } else {
      this.#blocks = this.#cut(slots);
    }
  }

  #insert(block: Block, index: number, slots: readonly string[]): void {
    block.slots.splice(index, 0, ...slots);
    block.entries?.splice(index, 0, ...slots.map(() => null));
    if (block.slots.length <= BLOCK_SLOTS_MAX) {
      for (const slot of slots) this.#home.set(slot, block);
    } else {
      this.#blocks.splice(this.#blocks.indexOf(block), 1, ...this.#cut(block.slots));
    }
  }

  #cut(slots: readonly string[]): Block[] {
    const blocks: Block[] = [];
    for (let from = 0; from < slots.length; from += BLOCK_SLOTS) {
      const block = new Block(slots.slice(from, from + BLOCK_SLOTS));
      for (const slot of block.slots) this.#home.set(slot, block);
      blocks.push(block);
    }
    return blocks;
  }
}

function found<T>(value: T | undefined, slot: string): T {
  if (value === undefined) throw new Error(`slot ${slot} is not in this list`);
  return value;
}
