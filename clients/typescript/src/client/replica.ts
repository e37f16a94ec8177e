/**
 * One stream as a device has it: confirmed cells, and over them what its own pending events write.
 *
 * What shows is the join of both, kept materialized, so that reading costs nothing and a change costs only the keys it
 * touches. Law 5: after any sequence of changes, `shown` equals the fold of confirmed and pending cells.
 */
import { digest, fold, join, sameCell, type Cell, type Cells, type ReadonlyCells } from "../model/cells.js";
import { family } from "../model/ids.js";
import { at } from "../model/views/under.js";
import type { ChangedCells } from "./change.js";
import type { OwnEvent } from "./own_event.js";

export class Replica {
  readonly shown: Shown;
  /** Key -> what each pending event (by `n`) writes there. */
  readonly #written = new Map<string, Map<number, Cell>>();

  constructor(
    readonly stream: string,
    public confirmed: Cells = new Map(),
    /** Where the confirmed cells end; null when there are none, or when they are not to be relied on. */
    public cursor: string | null = null,
    /** The highest seq this store minted on the stream. */
    public lastSeq = 0,
  ) {
    this.shown = new Shown(confirmed);
  }

  /** Join cells that the server sent, or an own event as it was admitted. */
  confirm(cells: Cells): ChangedCells {
    return this.#show(fold(this.confirmed, cells).keys());
  }

  /** Take a snapshot instead of what was confirmed. Pending events stay. */
  replace(cells: Cells): ChangedCells {
    const touched = new Set([...this.confirmed.keys(), ...cells.keys()]);
    this.confirmed = cells;
    return this.#show(touched);
  }

  /** Show what a pending event writes. */
  add(event: OwnEvent): ChangedCells {
    for (const [key, cell] of event.cells) at(this.#written, key, () => new Map()).set(event.n, cell);
    return this.#show(event.cells.keys());
  }

  /** Show no more what a pending event wrote under `n`: it was refused, or is confirmed by now. */
  drop(n: number, cells: ReadonlyCells): ChangedCells {
    for (const key of cells.keys()) {
      const writes = this.#written.get(key);
      writes?.delete(n);
      if (writes?.size === 0) this.#written.delete(key);
    }
    return this.#show(cells.keys());
  }

  /** Of the confirmed cells; equal to the server's when both stand at the same cursor. */
  digest(): string {
    return digest(this.confirmed);
  }

  #show(keys: Iterable<string>): ChangedCells {
    const changed = new Map<string, Cell | null>();
    for (const key of keys) {
      let cell = this.confirmed.get(key) ?? null;
      for (const write of this.#written.get(key)?.values() ?? []) cell = cell === null ? write : join(cell, write);
      if (this.shown.put(key, cell)) changed.set(key, cell);
    }
    return changed;
  }
}

const NOTHING: ReadonlyCells = new Map();

/** What shows, by key; kept by the keys' first word, so that a view of one thing does not pass over all others. */
export class Shown {
  readonly #families = new Map<string, Cells>();
  readonly #changes = new Map<string, number>();

  constructor(cells: ReadonlyCells) {
    for (const [key, cell] of cells) this.put(key, cell);
  }

  get(key: string): Cell | undefined {
    return this.#families.get(family(key))?.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** How often cells of these families have changed: as long as it is the same, so is every view of them. */
  changes(...families: readonly string[]): number {
    return families.reduce((sum, each) => sum + (this.#changes.get(each) ?? 0), 0);
  }

  /** The cells of some families ("play", "mode", …), as one map. Do not keep it. */
  of(...families: readonly string[]): ReadonlyCells {
    const [only] = families;
    if (families.length === 1 && only !== undefined) return this.#families.get(only) ?? NOTHING;
    return new Map(families.flatMap((each) => [...(this.#families.get(each) ?? NOTHING)]));
  }

  /** All of it, as a new map. */
  all(): Cells {
    return new Map([...this.#families.values()].flatMap((cells) => [...cells]));
  }

  /** Show a cell, or none; false when it showed already. */
  put(key: string, cell: Cell | null): boolean {
    const name = family(key);
    const cells = at(this.#families, name, () => new Map());
    if (cell === null ? !cells.delete(key) : sameCell(cells.get(key), cell)) return false;
    if (cell !== null) cells.set(key, cell);
    this.#changes.set(name, (this.#changes.get(name) ?? 0) + 1);
    return true;
  }
}
