/**
 * What a listener does to a list, as the data of an event.
 *
 * Each function reads the list as this device shows it and returns what to emit; nothing changes until the event's cells
 * come back through `ListView.apply`. Anchors are slots, never entries, so that an entry may move or vanish while an
 * insertion travels and the insertion still lands where the listener saw it. Source: merge.md section 3.1.
 *
 * All of them throw `NotFound` for an entry that the list never had (one that was removed or consumed is fine), or an
 * index outside; `LimitExceeded` for more than 500 items or ids, or none; `InvalidEvent` for an id given twice.
 */
import { InvalidEvent, LimitExceeded, NotFound } from "../errors.js";
import { ITEMS_MAX } from "../limits.js";
import type { ListCleared, ListInserted, ListItem, ListMoved, ListMovedBack, ListRemoved } from "../schemas/events.js";
import type { Place } from "./order/place.js";
import type { ListView } from "./views/live_list.js";

// --- adding ---

/** Add items right after an entry; null stands for the start of the list. */
export function insertAfter(view: ListView, left: string | null, items: readonly ListItem[]): ListInserted {
  return inserted(view, items, view.place(left === null ? null : view.slotOf(left)));
}

/** Add items to the end, also behind what others removed from there. */
export function insertAtEnd(view: ListView, items: readonly ListItem[]): ListInserted {
  return inserted(view, items, view.placeAtEnd());
}

/** Add items so that the first shows at an index, 0 to the list's length. */
export function insertAt(view: ListView, index: number, items: readonly ListItem[]): ListInserted {
  return inserted(view, items, placeAt(view, index));
}

// --- moving ---

/**
 * Move entries, as one block in the order given, right after another one; null stands for the start. After an entry of
 * the block itself is where that entry stands now: it leaves its slot, and the block comes there.
 */
export function moveAfter(view: ListView, ids: readonly string[], left: string | null): ListMoved {
  checkIds(view, ids);
  return { list: view.name, ids, ...view.place(left === null ? null : view.slotOf(left)) };
}

/** Move entries, as one block in the order given, to an index of the list without them. */
export function moveTo(view: ListView, ids: readonly string[], index: number): ListMoved {
  checkIds(view, ids);
  return { list: view.name, ids, ...placeAt(view, index, ids) };
}

/** What takes entries back to where they sit now. Make it before the move; emit it to undo that move. */
export function undoMove(view: ListView, ids: readonly string[]): ListMovedBack[] {
  return ids.map((item) => ({ list: view.name, item, slot: view.slotOf(item) }));
}

// --- removing ---

/** Take entries out, or bring them back: they keep their slots. The latter also undoes a clear. */
export function removeOrRestore(view: ListView, ids: readonly string[]): ListRemoved {
  checkIds(view, ids);
  return { list: view.name, ids };
}

/** Take out all that this device knows of. What others add meanwhile stays. */
export function clear(view: ListView): ListCleared {
  return { list: view.name, seen: Object.fromEntries(view.seen()) };
}

// --- inside ---

function inserted(view: ListView, items: readonly ListItem[], place: Place): ListInserted {
  checkCount(items.length, "items");
  return { list: view.name, items, ...place };
}

/** Where to insert so that `index` entries show before, those that are leaving not counted. */
function placeAt(view: ListView, index: number, leaving: readonly string[] = []): Place {
  const gaps = leaving.filter((item) => view.shows(item)).map((item) => view.indexOf(item));
  const length = view.length - gaps.length;
  if (!Number.isInteger(index) || index < 0 || index > length) {
    throw new NotFound(`index ${index} is outside 0 to ${length}, the length of ${view.name}`);
  }
  if (index === length) return view.placeAtEnd();
  if (index === 0) return view.place(null);
  let left = index - 1;
  for (const gap of gaps.sort((a, b) => a - b)) if (gap <= left) left++;
  return view.place(view.slotOf(view.slice(left, left + 1)[0]!.id));
}

function checkIds(view: ListView, ids: readonly string[]): void {
  checkCount(ids.length, "ids");
  if (new Set(ids).size < ids.length) {
    throw new InvalidEvent(`${ids.find((id, index) => ids.indexOf(id) < index)} is given twice`);
  }
  for (const id of ids) view.slotOf(id);
}

function checkCount(count: number, what: string): void {
  if (count < 1 || count > ITEMS_MAX) {
    throw new LimitExceeded(`${count} ${what} in one event; 1 to ${ITEMS_MAX} are allowed`);
  }
}
