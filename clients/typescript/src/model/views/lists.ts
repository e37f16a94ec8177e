/**
 * What a list shows, read from cells at once: the queue, the items of a playlist, the sidebar.
 *
 * This is the rule as it is written, and the measure for `live_list.ts`, which keeps the same answer up to date.
 * Source: merge.md section 3.1; the sidebar 3.3.
 */
import type { Cell, ReadonlyCells } from "../cells.js";
import { compareText } from "../canonical.js";
import type { ListName } from "../events.js";
import { cutAtSlash, fromKeyPart, itemId, splitEvent } from "../ids.js";
import type { ItemView } from "../order/blocks.js";
import { runOf, Tree, type RunFields } from "../order/tree.js";
import { under } from "./under.js";
import { Visibility } from "./visibility.js";

const NOTHING: ReadonlySet<string> = new Set();

/**
 * The entries of a list that show, in order.
 *
 * An entry sits at the slot its `at` register names, if that slot is in the order, else at its own; if neither is, its
 * run's parent has not arrived yet and it does not show. Two in one slot stand by item id.
 *
 * @param consumed - of the queue, the entries that were played (`plays.ts`).
 */
export function listView(cells: ReadonlyCells, list: ListName, consumed = NOTHING): ItemView[] {
  const runs: (readonly [string, Cell])[] = [];
  const at = new Map<string, string>();
  const visibility = new Visibility(consumed);
  for (const [rest, cell] of under(cells, `${list}/`)) {
    const [part, name] = cutAtSlash(rest);
    if (part === "run") runs.push([name, cell]);
    else if (part === "at") at.set(name, cell.value as string);
    else if (part === "on") visibility.setOn(name, cell);
    else if (part === "cleared") visibility.setCleared(name, cell);
  }
  const order = new Tree(runs.map(([id, cell]) => runOf(id, cell.value))).order();
  const indexOf = new Map(order.map((slot, index) => [slot, index]));
  const seated = runs
    .flatMap(([id, cell]) => insertedItems(id, cell))
    .filter(({ id }) => visibility.shows(id))
    .map((entry) => ({ entry, index: indexOf.get(at.get(entry.id) ?? entry.id) ?? indexOf.get(entry.id) ?? -1 }))
    .filter(({ index }) => index >= 0);
  seated.sort((a, b) => a.index - b.index || (a.entry.id < b.entry.id ? -1 : 1));
  return seated.map(({ entry }) => entry);
}

/** Per writer, the largest seq of the list's runs: what a `list.cleared` made now has seen. */
export function seen(cells: ReadonlyCells, list: ListName): Map<string, number> {
  return seenIn(under(cells, `${list}/run/`).map(([id]) => id));
}

/** Per writer, the largest seq of these runs. */
export function seenIn(runIds: Iterable<string>): Map<string, number> {
  const largest = new Map<string, number>();
  for (const id of runIds) {
    const { writer, seq } = splitEvent(id);
    largest.set(writer, Math.max(seq, largest.get(writer) ?? 0));
  }
  return largest;
}

/**
 * The ids of an account's playlists as its sidebar orders them.
 *
 * The account's playlists are its `library/playlists/<id>` cells that are true. Their places are the first entries of
 * each in the `sidebar` list, whose items are `{playlist}`; those without a place come at the end, in the order in which
 * they were added.
 *
 * @param hidden - playlists that are deleted or that the account may no longer read; their own streams tell.
 */
export function sidebarView(cells: ReadonlyCells, hidden: ReadonlySet<string> = NOTHING): string[] {
  const added = under(cells, "library/playlists/").filter(([, cell]) => cell.value === true);
  added.sort(([a, x], [b, y]) => compareText(x.rank, y.rank) || compareText(a, b));
  const library = added.map(([part]) => fromKeyPart(part));
  const placed = listView(cells, "sidebar").map(({ item }) => item["playlist"]);
  const ours = new Set(library.filter((playlist) => !hidden.has(playlist)));
  return [...new Set([...placed, ...library])].filter((each) => typeof each === "string").filter((each) => ours.has(each));
}

/** The items that a run brought, each under its id; none if it is the run of a move. */
export function insertedItems(runId: string, cell: Cell): ItemView[] {
  const { items = [] } = cell.value as RunFields;
  return items.map((item, k) => ({ id: itemId(runId, k), item }));
}
