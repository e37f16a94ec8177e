/**
 * What the events of lists write: runs of items, and per item its place and whether it is there.
 *
 * A run's slots are named by its event, so a moved item gets a slot of the moving event's run. Nothing here knows an
 * order: that is a view of the runs. Source: merge.md section 3.1.
 */
import type { Json } from "../canonical.js";
import { fold, type Cell, type Cells } from "../cells.js";
import { itemId } from "../ids.js";
import { digits } from "../stamp.js";
import { registers, type Lowering } from "./writes.js";

type Kinds =
  | "list.inserted"
  | "list.moved"
  | "list.moved_back"
  | "list.removed"
  | "list.restored"
  | "list.cleared";

export const LISTS: { readonly [K in Kinds]: Lowering<K> } = {
  // One cell holds the items and their first slots.
  "list.inserted": ({ list, parent = null, side, items }, { t, writer, id, rank }) =>
    registers(rank, [[`${list}/run/${id}`, { parent, side, t, writer, items }]]),

  // A run of new slots; the k-th item takes the k-th slot. Admission refuses an id twice; if one slips through, the two
  // writes join like any others.
  "list.moved": ({ list, ids, parent = null, side }, { t, writer, id, rank }) => {
    const value: Json = { parent, side, t, writer, count: ids.length };
    const cells: Cells = new Map([[`${list}/run/${id}`, { rank, value }]]);
    fold(cells, ids.map((item, k): [string, Cell] => [`${list}/at/${item}`, { rank, value: itemId(id, k) }]));
    return cells;
  },

  // The item goes to a slot that exists already.
  "list.moved_back": ({ list, item, slot }, { rank }) => registers(rank, [[`${list}/at/${item}`, slot]]),

  // The items are gone, wherever they are moved to.
  "list.removed": ({ list, ids }, { rank }) => registers(rank, ids.map((item) => [`${list}/on/${item}`, false])),

  // The items are back, also from an earlier clear.
  "list.restored": ({ list, ids }, { rank }) => registers(rank, ids.map((item) => [`${list}/on/${item}`, true])),

  // Hides what was born at or before `seen`, per writer; later clears of less do not undo it.
  "list.cleared": ({ list, seen }, { t, rank }) =>
    new Map(
      Object.entries(seen).map(([writer, seq]) => [`${list}/cleared/${writer}`, { rank: digits(seq) + rank, value: t }]),
    ),
};
