// What a list shows: the queue, the items of a playlist, the sidebar. The view of syncd/model/views/lists.py.
// Source: merge.md section 3.1.

import { compareText, under } from "./cells.js";
import { ListOrder } from "./order.js";
import { stampTime } from "./stamp.js";

const NOTHING = new Set();

/**
 * A list of one stream.
 *
 * @param {Map} cells of the stream.
 * @param {string} name "queue", "items" or "sidebar".
 * @param {Set<string>} consumed of the queue, the entries that were played.
 * @returns {{entries: {id: string, slot: string, item: object}[], order: ListOrder}} what shows, and the tree to insert into.
 */
export function readList(cells, name, consumed = NOTHING) {
  const runs = [...under(cells, `${name}/run/`)].map(([id, cell]) => [id, cell.value]);
  const order = new ListOrder(runs);
  const visible = new Set(order.slots);
  const seats = new Map();
  for (const [runId, value] of runs) {
    for (const [k, item] of (value.items ?? []).entries()) {
      const id = `${runId}.${k}`;
      if (!shows(cells, name, id, consumed)) continue;
      const at = cells.get(`${name}/at/${id}`)?.value;
      const slot = visible.has(at) ? at : id;
      if (!seats.has(slot)) seats.set(slot, []);
      seats.get(slot).push({ id, slot, item });
    }
  }
  const entries = order.slots.flatMap((slot) => (seats.get(slot) ?? []).sort((a, b) => compareText(a.id, b.id)));
  return { entries, order };
}

/** Not consumed, not removed, and not cleared unless restored after the clear. */
function shows(cells, name, id, consumed) {
  if (consumed.has(id)) return false;
  const on = cells.get(`${name}/on/${id}`);
  if (on !== undefined && !on.value) return false;
  const [writer, seq] = id.split(".");
  const clear = cells.get(`${name}/cleared/${writer}`);
  if (clear === undefined || Number(seq) > parseInt(clear.rank.slice(0, 11), 32)) return true;
  return on !== undefined && stampTime(on.rank) > clear.value;
}
