/**
 * The order of the account's playlists, as a listener changes it. Source: merge.md section 3.3.
 *
 * A playlist has a place once the account's `sidebar` list has an entry of it, and the first entry counts; those without
 * one show at the end, as they were added. So a move first gives a place to the playlists it goes past that have none,
 * where they show already, and then moves one. Two devices may both do that before they hear of each other: then the
 * entries that come first decide, on all devices alike, and later moves take every entry of a playlist along.
 */
import { NotFound } from "../errors.js";
import { at } from "../model/views/under.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import type { ListItem } from "../schemas/events.js";
import type { Done } from "./done.js";
import { EditableList } from "./editable_list.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";

/** See the first lines. */
export class Sidebar {
  readonly #places: EditableList<ListItem & { readonly playlist: string }>;

  constructor(state: LocalState, lists: Lists) {
    this.#places = new EditableList(state, lists, OWN_STREAM, "sidebar");
  }

  /**
   * Let a playlist show at an index of the others. What is undone is the move; places that were given stay.
   *
   * @param shown - the ids of all playlists, in the order in which they show.
   * @throws NotFound: it is not among them, or the index is outside; nothing was made.
   */
  move(playlist: string, to: number, shown: readonly string[]): Done {
    const from = shown.indexOf(playlist);
    if (from < 0) throw new NotFound(`playlist ${playlist} is not among the ${shown.length} playlists of the library`);
    if (!Number.isInteger(to) || to < 0 || to >= shown.length) {
      throw new NotFound(`index ${to} is outside 0 to ${shown.length - 1}, the places of ${shown.length} playlists`);
    }
    const before = shown.slice(0, to <= from ? to : to + 1);
    const placed = this.#entries();
    const without = before.filter((id) => !placed.has(id));
    if (without.length > 0) this.#places.add(...without.map((id) => ({ playlist: id })));
    const entries = this.#entries();
    const left = entries.get(before.at(-1) ?? "")?.[0] ?? null;
    const own = entries.get(playlist);
    return own === undefined ? this.#places.insertAfter(left, { playlist }) : this.#places.moveAfter(own, { left });
  }

  /** The entries of each playlist, in order. */
  #entries(): ReadonlyMap<string, readonly string[]> {
    const entries = new Map<string, string[]>();
    for (const { id, item } of this.#places) at(entries, String(item["playlist"]), () => []).push(id);
    return entries;
  }
}
