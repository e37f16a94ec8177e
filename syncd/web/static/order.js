// The order of a list: a tree of runs of slots (plain Fugue), read in order without recursion.
// Children of a slot: side L before it, side R after it. Siblings: R ascending by (t, writer, seq), L descending.
// Source: merge.md section 3.1; syncd/model/order/tree.py is the same rule, and a shared test compares the two.

/** Splits a slot `writer.seq.k` into its run's id and k. */
function splitSlot(slot) {
  const dot = slot.lastIndexOf(".");
  return [slot.slice(0, dot), Number(slot.slice(dot + 1))];
}

function makeRun(id, value) {
  const [writer, seq] = id.split(".");
  return {
    id,
    writer,
    seq: Number(seq),
    t: value.t,
    parent: value.parent === null ? null : splitSlot(value.parent),
    side: value.side,
    length: value.items === undefined ? value.count : value.items.length,
    children: new Map(), // "k L" or "k R" -> runs, ascending
  };
}

function ascending(a, b) {
  if (a.t !== b.t) return a.t - b.t;
  if (a.writer !== b.writer) return a.writer < b.writer ? -1 : 1;
  return a.seq - b.seq;
}

/** A list's runs hung on each other. Those whose parent has not arrived stay invisible, with all that hangs on them. */
export class ListOrder {
  #runs = new Map();
  #slots;

  /** @param {Iterable<[string, object]>} runs id and value of each `<list>/run/<id>` cell. */
  constructor(runs) {
    for (const [id, value] of runs) this.#runs.set(id, makeRun(id, value));
    const roots = [];
    for (const run of this.#runs.values()) {
      if (run.parent === null) {
        if (run.side === "R") roots.push(run);
      } else {
        this.#hang(run);
      }
    }
    for (const run of this.#runs.values()) for (const siblings of run.children.values()) siblings.sort(ascending);
    this.#slots = walk(roots.sort(ascending));
  }

  /** All visible slots in order, those of removed items included. */
  get slots() {
    return this.#slots;
  }

  /** Where a new run goes so that it stands right after a visible slot; null stands for the list's very beginning. */
  placeAfter(slot) {
    if (slot === null) {
      return this.#slots.length === 0 ? { parent: null, side: "R" } : { parent: this.#slots[0], side: "L" };
    }
    const [id, k] = splitSlot(slot);
    const run = this.#runs.get(id);
    if (k === run.length - 1 && !run.children.has(`${k} R`)) return { parent: slot, side: "R" };
    return { parent: this.#slots[this.#slots.indexOf(slot) + 1], side: "L" };
  }

  /** Where a new run goes so that it stands at the end, after what was removed too. */
  placeAtEnd() {
    return this.placeAfter(this.#slots.at(-1) ?? null);
  }

  #hang(run) {
    const parent = this.#runs.get(run.parent[0]);
    if (parent === undefined) return;
    const hook = `${run.parent[1]} ${run.side}`;
    if (!parent.children.has(hook)) parent.children.set(hook, []);
    parent.children.get(hook).push(run);
  }
}

/** The slots of some runs and of all that hangs on them, in order. Chains of 10,000 happen: a stack, no recursion. */
function walk(roots) {
  const slots = [];
  const ahead = [...roots].reverse();
  while (ahead.length > 0) {
    const piece = ahead.pop();
    if (typeof piece === "string") {
      slots.push(piece);
      continue;
    }
    const pieces = [];
    for (let k = 0; k < piece.length; k += 1) {
      pieces.push(...[...(piece.children.get(`${k} L`) ?? [])].reverse());
      pieces.push(`${piece.id}.${k}`);
      pieces.push(...(piece.children.get(`${k} R`) ?? []));
    }
    while (pieces.length > 0) ahead.push(pieces.pop());
  }
  return slots;
}
