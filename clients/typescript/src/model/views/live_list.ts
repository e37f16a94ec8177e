/**
 * A list that stays up to date while cells change.
 *
 * Reading `listView` after every change would look at every entry each time. Here a change touches only what it names: the
 * slots of a new run enter a block of the order, an entry changes its seat, and the blocks concerned forget what they
 * showed. A clear looks at every entry, and so does the rare change that reorders what was there.
 *
 * Law 8: after every change, in any order of cells, this equals `listView`. Source: merge.md section 3.1.
 */
import { NotFound } from "../../errors.js";
import type { Cell, ReadonlyCells } from "../cells.js";
import type { ListName } from "../events.js";
import { cutAtSlash, itemId } from "../ids.js";
import type { ItemView } from "../order/blocks.js";
import { ListOrder, type Place } from "../order/place.js";
import { runOf, type Run } from "../order/tree.js";
import { insertedItems, seenIn } from "./lists.js";
import { Shown } from "./shown.js";
import { at } from "./under.js";
import { Visibility } from "./visibility.js";

/** One list of one stream: what shows, where each entry sits, and where a new one would have to hang. */
export class ListView {
  readonly #order = new ListOrder();
  readonly #visibility = new Visibility();
  readonly #entries = new Map<string, ItemView>();
  readonly #at = new Map<string, string>();
  /** Slot -> the entries whose `at` names it, whether or not it is in the order yet. */
  readonly #drawn = new Map<string, Set<string>>();
  /** Entry -> the slot it sits at, shown or not; none while its run waits for a parent. */
  readonly #seat = new Map<string, string>();
  readonly #shown = new Shown(this.#order);
  /** The answer of `items`, while it holds. */
  #items: readonly ItemView[] | null = null;

  /** An empty list, or the list that these cells of a stream hold. */
  constructor(
    readonly name: ListName,
    cells: ReadonlyCells = new Map(),
  ) {
    this.apply(cells);
  }

  // --- what changes it ---

  /**
   * Take in cells as they stand after the join; null stands for a cell that is gone, as after a refused event.
   *
   * @returns Whether any of them belongs to this list.
   */
  apply(changed: ReadonlyMap<string, Cell | null>): boolean {
    const runs = new Map<string, Run | null>();
    const touched = new Set<string>();
    let [isMine, isEverybody] = [false, false];
    for (const [key, cell] of changed) {
      const [list, rest] = cutAtSlash(key);
      if (list !== this.name) continue;
      isMine = true;
      const [part, name] = cutAtSlash(rest);
      if (part === "run") {
        runs.set(name, this.#takeRun(name, cell, touched));
      } else if (part === "at") {
        this.#draw(name, cell === null ? null : (cell.value as string));
        touched.add(name);
      } else if (part === "on") {
        this.#visibility.setOn(name, cell);
        touched.add(name);
      } else if (part === "cleared") {
        this.#visibility.setCleared(name, cell);
        isEverybody = true;
      }
    }
    if (runs.size > 0) {
      const entered = this.#order.apply(runs);
      isEverybody ||= entered === null;
      for (const slot of entered ?? []) {
        touched.add(slot);
        for (const item of this.#drawn.get(slot) ?? []) touched.add(item);
      }
    }
    if (isEverybody) this.#seatEverybody();
    else this.#seatAgain(touched);
    return isMine;
  }

  /** Of the queue: the entries that were played (`plays.ts`). Replaces the set given before. */
  consume(consumed: ReadonlySet<string>): void {
    const before = this.#visibility.consumed;
    this.#visibility.consumed = consumed;
    this.#seatAgain([...before].filter((item) => !consumed.has(item)));
    this.#seatAgain([...consumed].filter((item) => !before.has(item)));
  }

  // --- what shows ---

  /** How many entries show. */
  get length(): number {
    return this.#order.slots.blocks.reduce((sum, block) => sum + this.#shown.inBlock(block).length, 0);
  }

  /** The entries that show, in order; the same array until one of them changes. */
  items(): readonly ItemView[] {
    this.#items ??= this.#order.slots.blocks.flatMap((block) => this.#shown.inBlock(block));
    return this.#items;
  }

  /** The entries from `start` up to but not including `stop`; those beyond the end are left out. */
  slice(start: number, stop: number): ItemView[] {
    const entries: ItemView[] = [];
    let before = 0;
    for (const block of this.#order.slots.blocks) {
      const shown = this.#shown.inBlock(block);
      entries.push(...shown.slice(Math.max(start - before, 0), Math.max(stop - before, 0)));
      before += shown.length;
      if (before >= stop) break;
    }
    return entries;
  }

  /** Whether this entry shows. */
  shows(item: string): boolean {
    return this.#seat.has(item) && this.#visibility.shows(item);
  }

  /** How many entries show before this one. @throws NotFound: it does not show. */
  indexOf(item: string): number {
    const seat = this.#seat.get(item);
    if (seat === undefined || !this.shows(item)) throw new NotFound(`${item} does not show in ${this.name}`);
    const home = this.#order.slots.blockOf(seat);
    let before = 0;
    for (const block of this.#order.slots.blocks) {
      if (block === home) break;
      before += this.#shown.inBlock(block).length;
    }
    return before + this.#shown.inBlock(home).findIndex(({ id }) => id === item);
  }

  // --- what an edit needs ---

  /** Whether the list ever had this entry, as far as is known here. */
  has(item: string): boolean {
    return this.#seat.has(item);
  }

  /** The slot where an entry sits, also if it does not show. @throws NotFound: the list never had it. */
  slotOf(item: string): string {
    const slot = this.#seat.get(item);
    if (slot === undefined) throw new NotFound(`${item} is not in ${this.name}`);
    return slot;
  }

  /** Where to insert so that it stands right after a slot; null stands for the start. See `ListOrder.place`. */
  place(left: string | null): Place {
    return this.#order.place(left);
  }

  /** Where to insert so that it stands at the end. */
  placeAtEnd(): Place {
    return this.#order.placeAtEnd();
  }

  /** Per writer, the largest seq of this list's runs, as `list.cleared` wants it. Linear in runs. */
  seen(): Map<string, number> {
    return seenIn(this.#order.runIds);
  }

  /** Whether a slot is in the order, whether or not anything shows there. */
  hasSlot(slot: string): boolean {
    return this.#order.slots.has(slot);
  }

  /** All slots in order, those of entries that do not show included. Linear. */
  slots(): string[] {
    return this.#order.slots.blocks.flatMap((block) => block.slots);
  }

  // --- inside ---

  /** Take in a run's items. Those it had before go first: a run may be gone, or a faulty writer's two differ. */
  #takeRun(runId: string, cell: Cell | null, touched: Set<string>): Run | null {
    for (let k = 0; this.#entries.delete(itemId(runId, k)); k++) touched.add(itemId(runId, k));
    if (cell === null) return null;
    for (const entry of insertedItems(runId, cell)) {
      this.#entries.set(entry.id, entry);
      touched.add(entry.id);
    }
    return runOf(runId, cell.value);
  }

  /** Note which slot an entry's `at` register names; null when it has none. */
  #draw(item: string, slot: string | null): void {
    const old = this.#at.get(item);
    if (old !== undefined) {
      this.#at.delete(item);
      this.#drawn.get(old)?.delete(item);
      if (this.#drawn.get(old)?.size === 0) this.#drawn.delete(old);
    }
    if (slot === null) return;
    this.#at.set(item, slot);
    at(this.#drawn, slot, () => new Set()).add(item);
  }

  #seatEverybody(): void {
    this.#items = null;
    this.#seat.clear();
    this.#shown.clear();
    this.#seatAgain(this.#entries.keys());
  }

  /** Put entries where they belong now. Ids that are no entry (yet, or any more) only leave their seat. */
  #seatAgain(items: Iterable<string>): void {
    const { slots } = this.#order;
    for (const item of items) {
      this.#items = null;
      const left = this.#seat.get(item);
      if (left !== undefined) {
        this.#seat.delete(item);
        this.#shown.discard(left, item);
      }
      const entry = this.#entries.get(item);
      if (entry === undefined) continue;
      const drawn = this.#at.get(item);
      const slot = drawn !== undefined && slots.has(drawn) ? drawn : item;
      if (!slots.has(slot)) continue;
      this.#seat.set(item, slot);
      if (this.#visibility.shows(item)) this.#shown.add(slot, entry);
    }
  }
}
