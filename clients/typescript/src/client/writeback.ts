/** What the server confirmed, on its way to the store: gathered, written in one transaction, kept until it is there. */
import type { Cell, Cells } from "../model/cells.js";
import { at } from "../model/views/under.js";
import type { Clocks, Store } from "./store.js";
import { Unsaved } from "./store_rows.js";

/** See the first line. */
export class Writeback {
  #waiting = new Unsaved();

  constructor(readonly store: Store) {}

  /** How many rows wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** These cells of a stream are confirmed. */
  confirmed(stream: string, cells: Iterable<readonly [string, Cell]>): void {
    const waiting: Cells = at(this.#waiting.cells, stream, () => new Map());
    for (const [key, cell] of cells) waiting.set(key, cell);
  }

  /** These cells take the place of all that the stream had. */
  replaced(stream: string, cells: Cells): void {
    this.#waiting.replaced.add(stream);
    this.#waiting.cells.set(stream, new Map(cells));
  }

  /** Where a stream's cells lead to now. */
  cursor(stream: string, cursor: string | null): void {
    this.#waiting.cursors.set(stream, cursor);
  }

  /** This own event is done with. */
  answered(n: number): void {
    this.#waiting.answered.add(n);
  }

  /** Forget what waits: the store was read again, and what it lacks will come again. */
  forget(): void {
    this.#waiting = new Unsaved();
  }

  /**
   * Write what waits. One at a time.
   *
   * @returns The own events (`n`) that the store does not hold any more.
   * @throws StoreBusy, FencedOut: nothing was written; it goes with the next attempt.
   */
  async flush(clocks: Clocks, term: number): Promise<ReadonlySet<number>> {
    const leaving = this.#waiting;
    if (leaving.size === 0) return leaving.answered;
    this.#waiting = new Unsaved();
    try {
      await this.store.save(leaving, clocks, term);
    } catch (error) {
      leaving.putUnder(this.#waiting);
      this.#waiting = leaving;
      throw error;
    }
    return leaving.answered;
  }
}
