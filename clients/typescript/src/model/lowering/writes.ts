/**
 * What lowerings have in common, and the forms of ranks that are more than a stamp.
 *
 *     register, once      T(t) + writer                           the event's stamp
 *     max                 N(n)                                    `maxRank`
 *     flag                1                                       `FLAG`
 *     max in an epoch     T(epoch t) + epoch writer + N(n)        `epochMaxRank`
 *     answer to           two ranks + T(t) + writer               made by `playback.reported` alone
 *
 * Source: merge.md section 2.
 */
import type { Json } from "../canonical.js";
import type { Cell, Cells } from "../cells.js";
import type { DataOf, Kind } from "../events.js";
import { digits } from "../stamp.js";

/** An event's time, writer and id, and its stamp as a rank. */
export type Author = { readonly t: number; readonly writer: string; readonly id: string; readonly rank: string };
export type Lowering<K extends Kind> = (data: DataOf<K>, by: Author) => Cells;

/** True for ever. */
export const FLAG: Cell = { rank: "1", value: true };

/** Registers of one event: `[key, value]` each. */
export function registers(rank: string, values: Iterable<readonly [string, Json]>): Cells {
  const cells: Cells = new Map();
  for (const [key, value] of values) cells.set(key, { rank, value });
  return cells;
}

/** The fields of an object that are given, each with a prefix to its name. */
export function given(prefix: string, fields: { readonly [name: string]: Json | undefined }): [string, Json][] {
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[prefix + name, value]]));
}

/** The rank of a counter that only grows; n is 0 to 2^53 - 1. */
export function maxRank(n: number): string {
  return digits(n);
}

/** The rank of a counter that grows within an epoch; `epoch` is the stamp that opened it, or 21 zeros. */
export function epochMaxRank(epoch: string, n: number): string {
  return epoch + digits(n);
}
