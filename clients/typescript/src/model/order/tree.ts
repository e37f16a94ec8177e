/**
 * The tree that orders a list, and the walk that reads it.
 *
 * One event puts a *run* of slots into a list and names the slot it hangs on: side L stands before that slot, side R
 * after it. Siblings on one side are sorted by (t, writer, seq): R ascending, L descending. Slots never move and never go
 * away, so two replicas with the same runs read the same order, whatever came first.
 *
 * A run whose parent is missing is invisible, with all that hangs on it; so are a run under null with side L and a run on
 * a slot that its parent does not have. Runs that hang on each other in a circle, which only a faulty writer could make,
 * are never reached from the root, so every walk ends. Nothing here recurses: chains of 10,000 happen.
 *
 * Source: merge.md section 3.1; Weidner and Kleppmann, "The Art of the Fugue", arXiv 2305.00583.
 */
import type { Json, JsonObject } from "../canonical.js";
import type { Side } from "../events.js";
import { itemId, splitEvent, splitItem } from "../ids.js";

/** The value of a cell `<list>/run/<id>`: an insertion brings `items`, a move a `count` of slots. */
export type RunFields = {
  readonly parent: string | null;
  readonly side: Side;
  readonly t: number;
  readonly items?: readonly JsonObject[];
  readonly count?: number;
};

/** The slots of one event, and where they hang: `parent` is a slot, null for the root. */
export class Run {
  readonly parent: string | null;
  readonly side: Side;
  readonly slots: readonly string[];
  readonly writer: string;
  readonly seq: number;
  /** With writer and seq, what sorts siblings. */
  t: number;
  /** The runs that hang on each of its own slots (by index), ascending. */
  readonly children: Readonly<Record<Side, Map<number, Run[]>>> = { L: new Map(), R: new Map() };

  constructor(
    readonly id: string,
    fields: RunFields,
  ) {
    ({ writer: this.writer, seq: this.seq } = splitEvent(id));
    ({ t: this.t, parent: this.parent, side: this.side } = fields);
    this.slots = Array.from({ length: fields.count ?? fields.items?.length ?? 0 }, (_, k) => itemId(id, k));
  }

  /** Whether both stand on the same side of the same slot and are equally long: all but the time is the same. */
  hangsLike(other: Run): boolean {
    return this.parent === other.parent && this.side === other.side && this.slots.length === other.slots.length;
  }
}

/** The run that the value of a cell `<list>/run/<id>` describes. */
export function runOf(id: string, value: Json): Run {
  return new Run(id, value as RunFields);
}

/** Runs, each hung on its parent as soon as that is known. */
export class Tree {
  readonly runs = new Map<string, Run>();
  readonly #root: Readonly<Record<Side, Run[]>> = { L: [], R: [] };
  readonly #orphans = new Map<string, Run[]>();

  constructor(runs: Iterable<Run> = []) {
    for (const run of runs) {
      run.children.L.clear();
      run.children.R.clear();
      this.add(run);
    }
  }

  /** Hang a run whose id is new, and on it the runs that waited for it. */
  add(run: Run): void {
    this.runs.set(run.id, run);
    const siblings = this.#siblings(run);
    if (siblings !== null) hang(siblings, run);
    else pushTo(this.#orphans, splitItem(run.parent ?? "").event, run);
    for (const orphan of this.#orphans.get(run.id) ?? []) hang(this.#siblings(orphan) ?? [], orphan);
    this.#orphans.delete(run.id);
  }

  /** Give a known run the time of this one, as when an event was admitted twice. False, and nothing done, if the order
   * of siblings would change. */
  restamp(run: Run): boolean {
    const known = this.runs.get(run.id);
    if (known === undefined) return false;
    const siblings = this.#siblings(known) ?? [known];
    const index = rankOf(siblings, known);
    const [before, after] = [siblings[index - 1], siblings[index + 1]];
    if ((before !== undefined && compare(before, run) > 0) || (after !== undefined && compare(after, run) < 0)) {
      return false;
    }
    known.t = run.t;
    return true;
  }

  /** The sibling just below: it is shown before the run on side R, after it on side L. */
  lowerSibling(run: Run): Run | null {
    const siblings = this.#siblings(run) ?? [run];
    return siblings[rankOf(siblings, run) - 1] ?? null;
  }

  /** Whether a run may hang on the right side of a slot: it ends its own run, and nothing hangs there yet. */
  isOpenEnd(slot: string): boolean {
    const { event, k } = splitItem(slot);
    const run = this.runs.get(event);
    return run !== undefined && k === run.slots.length - 1 && !run.children.R.get(k)?.length;
  }

  /** All visible slots in order. Linear in slots and runs. */
  order(): string[] {
    return walk(this.#root.R);
  }

  /** The runs on the same side of the same slot, ascending; null while the parent is missing. */
  #siblings(run: Run): Run[] | null {
    if (run.parent === null) return this.#root[run.side];
    const { event, k } = splitItem(run.parent);
    const children = this.runs.get(event)?.children[run.side];
    if (children === undefined) return null;
    const there = children.get(k);
    if (there !== undefined) return there;
    const fresh: Run[] = [];
    children.set(k, fresh);
    return fresh;
  }
}

/** The slots of some runs and of all that hangs on them, in order. */
export function walk(runs: readonly Run[]): string[] {
  const slots: string[] = [];
  const ahead: (Run | readonly string[])[] = [...runs].reverse();
  for (let piece = ahead.pop(); piece !== undefined; piece = ahead.pop()) {
    if (!(piece instanceof Run)) slots.push(...piece);
    else if (piece.children.L.size === 0 && piece.children.R.size === 0) slots.push(...piece.slots);
    else ahead.push(...piecesOf(piece).reverse());
  }
  return slots;
}

/** The outermost slot, on one side, of all that hangs on a run. Goes along that side's chain. */
export function edgeSlot(run: Run, side: Side): string {
  for (let inner = run; ; ) {
    const k = side === "L" ? 0 : inner.slots.length - 1;
    const outer = inner.children[side].get(k)?.at(-1);
    if (outer === undefined) return itemId(inner.id, k);
    inner = outer;
  }
}

/** A run cut at the slots that have children, those children in between, all as they are shown. */
function piecesOf({ slots, children }: Run): (Run | readonly string[])[] {
  const cuts = [...new Set([...children.L.keys(), ...children.R.keys()])].filter((k) => k < slots.length);
  const pieces: (Run | readonly string[])[] = [];
  let done = 0;
  for (const k of cuts.sort((a, b) => a - b)) {
    pieces.push(slots.slice(done, k));
    pieces.push(...[...(children.L.get(k) ?? [])].reverse(), slots.slice(k, k + 1), ...(children.R.get(k) ?? []));
    done = k + 1;
  }
  pieces.push(slots.slice(done));
  return pieces;
}

function compare(a: Run, b: Run): number {
  if (a.t !== b.t) return a.t - b.t;
  if (a.writer !== b.writer) return a.writer < b.writer ? -1 : 1;
  return a.seq - b.seq;
}

/** Where a run stands, or would stand, among its siblings. */
function rankOf(siblings: readonly Run[], run: Run): number {
  let [low, high] = [0, siblings.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(siblings[middle]!, run) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function hang(siblings: Run[], run: Run): void {
  siblings.splice(rankOf(siblings, run), 0, run);
}

function pushTo(map: Map<string, Run[]>, key: string, run: Run): void {
  const there = map.get(key);
  if (there === undefined) map.set(key, [run]);
  else there.push(run);
}
