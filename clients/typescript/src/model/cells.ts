/**
 * State: a map of cells, and the one rule that merges it.
 *
 * Of two writes to one cell the larger rank stays; on equal rank, which only a faulty writer can cause, the larger
 * canonical value. That makes joining commutative, associative and idempotent, so delivery may repeat and reorder as it
 * likes. Source: merge.md section 2.
 */
import { canonical, compareText, sameJson, type Json } from "./canonical.js";
import { sha256Head } from "./sha256.js";

/** The smallest unit of state: a value, and the rank that won it its place. Ranks are ASCII, so `<` orders them. */
export type Cell = { readonly rank: string; readonly value: Json };

/** The cells of one stream by key. A map, because an object would put keys that look like numbers first. */
export type Cells = Map<string, Cell>;
export type ReadonlyCells = ReadonlyMap<string, Cell>;
/** Cells that are asked for by key. */
export type CellsByKey = Pick<ReadonlyCells, "get" | "has">;

/** Whether `cell` replaces `old`. */
export function wins(cell: Cell, old: Cell | undefined): boolean {
  if (old === undefined || cell.rank > old.rank) return true;
  if (old === cell || cell.rank < old.rank) return false;
  return compareText(canonical(cell.value), canonical(old.value)) > 0;
}

/** The larger of two cells. */
export function join(a: Cell, b: Cell): Cell {
  return wins(b, a) ? b : a;
}

/** Join writes into `cells`, in place. Returns the cells that changed. */
export function fold(cells: Cells, writes: Iterable<readonly [string, Cell]>): Cells {
  const changed: Cells = new Map();
  for (const [key, cell] of writes) {
    if (wins(cell, cells.get(key))) {
      cells.set(key, cell);
      changed.set(key, cell);
    }
  }
  return changed;
}

/** The join of two states, as a new one. */
export function merge(a: ReadonlyCells, b: ReadonlyCells): Cells {
  const merged = new Map(a);
  fold(merged, b);
  return merged;
}

/** Whether two cells are one. */
export function sameCell(a: Cell | undefined, b: Cell | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.rank === b.rank && sameJson(a.value, b.value));
}

/**
 * The sum over cells, modulo 2^64, of the first 8 bytes (big-endian) of SHA-256(key 0x00 rank 0x00 canonical value), as
 * 16 hex digits; additive, so that order never matters. Equal to the server's where both hold the same.
 */
export function digest(cells: ReadonlyCells): string {
  let high = 0;
  let low = 0;
  for (const [key, { rank, value }] of cells) {
    const [upper, lower] = sha256Head(`${key}\0${rank}\0${canonical(value)}`);
    low += lower;
    high = (high + upper + Math.floor(low / 2 ** 32)) % 2 ** 32;
    low %= 2 ** 32;
  }
  return hex(high) + hex(low);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
