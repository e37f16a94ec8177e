/**
 * Which entries of a list show: the rule that every view of a list applies.
 *
 * An entry shows if it was inserted, and is not removed, and is not cleared or was restored after the clear, and is not
 * consumed. Where it shows is the order's matter (`order/`). Source: merge.md section 3.1.
 */
import type { Cell } from "../cells.js";
import { splitEvent } from "../ids.js";
import { fromDigits, stampT } from "../stamp.js";

/** `N(seq)` at the front of the rank of a `cleared` cell. */
const SEQ_DIGITS = 11;

/** What the winning clear hides of one writer: entries born at or before `seq`, unless restored later than `t`. */
type Clear = { readonly seq: number; readonly t: number };

/** The `on` and `cleared` cells of one list, and what the queue has consumed. */
export class Visibility {
  readonly #on = new Map<string, Cell>();
  readonly #clears = new Map<string, Clear>();

  constructor(public consumed: ReadonlySet<string> = new Set()) {}

  /** Take in `<list>/on/<item>`; null when there is no such cell any more. */
  setOn(item: string, cell: Cell | null): void {
    if (cell === null) this.#on.delete(item);
    else this.#on.set(item, cell);
  }

  /** Take in `<list>/cleared/<writer>`; null when there is no such cell any more. */
  setCleared(writer: string, cell: Cell | null): void {
    if (cell === null) this.#clears.delete(writer);
    else this.#clears.set(writer, { seq: fromDigits(cell.rank.slice(0, SEQ_DIGITS)), t: cell.value as number });
  }

  /** Whether an inserted entry shows. */
  shows(item: string): boolean {
    if (this.consumed.has(item)) return false;
    const on = this.#on.get(item);
    if (on?.value === false) return false;
    if (this.#clears.size === 0) return true;
    const { writer, seq } = splitEvent(item);
    const clear = this.#clears.get(writer);
    return clear === undefined || seq > clear.seq || (on !== undefined && stampT(on.rank) > clear.t);
  }
}
