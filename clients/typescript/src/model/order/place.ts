/**
 * The order of one list, kept up to date run by run, and where the next run has to hang.
 *
 * Reading the whole tree again at every change would make 2,000 "play next" in a row cost the square of that. A new run
 * stands next to its lower sibling, or next to its parent when it has none, and what already hangs on it stands with it.
 * What changes more than that (a run that is gone, a time that reorders siblings) is rare and reads the tree again, and so
 * does a batch that is large beside the list.
 *
 * Law 8: after any sequence of changes, in any order, this equals a full walk. Source: merge.md section 3.1.
 */
import { NotFound } from "../../errors.js";
import type { Side } from "../events.js";
import { Blocks } from "./blocks.js";
import { edgeSlot, Tree, walk, type Run } from "./tree.js";

/** A batch of more than one new run for this many known ones reads the tree again: a walk takes about an eighth of the
 * time of putting its runs in one by one, and a list that is loaded in batches stays linear. */
const REBUILD_SHARE = 8;

/** Where a new run hangs: on one side of a slot, or (null, "R") in a list that never had one. */
export type Place = { readonly parent: string | null; readonly side: Side };

/** All visible slots of one list, those of removed items included. */
export class ListOrder {
  #tree = new Tree();
  #slots = new Blocks();

  /** The slots in order. Read them; only `apply` inserts. */
  get slots(): Blocks {
    return this.#slots;
  }

  /** All runs that were taken in, visible or not. */
  get runIds(): Iterable<string> {
    return this.#tree.runs.keys();
  }

  /**
   * Take in runs that are new or changed; null stands for one that is gone, as after a refused event.
   *
   * @returns The slots that became visible, or null when the tree was read again, and any slot may have come or gone.
   */
  apply(runs: ReadonlyMap<string, Run | null>): string[] | null {
    const known = this.#tree.runs;
    const fresh: Run[] = [];
    let isSteady = true;
    for (const [id, run] of runs) {
      const old = known.get(id);
      if (old === undefined) {
        if (run !== null) fresh.push(run);
      } else {
        isSteady &&= run !== null && run.hangsLike(old) && this.#tree.restamp(run);
      }
    }
    if (!isSteady) {
      const all = [...new Map<string, Run | null>([...known, ...runs]).values()];
      this.#tree = new Tree(all.filter((run) => run !== null));
    } else if (fresh.length * REBUILD_SHARE <= known.size) {
      return fresh.flatMap((run) => this.#enter(run));
    } else {
      for (const run of fresh) this.#tree.add(run);
    }
    this.#slots = new Blocks(this.#tree.order());
    return null;
  }

  /**
   * Where to hang a run so that it stands right after a slot; null stands for the start of the list.
   *
   * Tombstones count: the neighbour on the right is a slot, whether or not its item is still there.
   *
   * @throws NotFound: the slot is not visible.
   */
  place(left: string | null): Place {
    if (left === null) {
      const first = this.#slots.first();
      return first === null ? { parent: null, side: "R" } : { parent: first, side: "L" };
    }
    if (!this.#slots.has(left)) throw new NotFound(`slot ${left} is not in this list`);
    // What hangs on the right side of a slot, or ends its run, stands after it: without an open end there is a next one.
    return this.#tree.isOpenEnd(left) ? { parent: left, side: "R" } : { parent: this.#slots.after(left), side: "L" };
  }

  /** Where to hang a run that is added to the end: after the last slot, dead or not. */
  placeAtEnd(): Place {
    return this.place(this.#slots.last());
  }

  /** Hang a new run, and put it and all that waited for it among the slots if its parent is visible. */
  #enter(run: Run): string[] {
    this.#tree.add(run);
    const { parent, side } = run;
    if (parent === null ? side !== "R" : !this.#slots.has(parent)) return [];
    const slots = walk([run]);
    const lower = this.#tree.lowerSibling(run);
    const beside = lower === null ? parent : edgeSlot(lower, side);
    if (side === "L" && beside !== null) this.#slots.insertBefore(beside, slots);
    else this.#slots.insertAfter(beside, slots);
    return slots;
  }
}
