/**
 * A list that a listener edits: the queue, the items of a playlist, the places of the playlists.
 *
 * Every edit works on the list as it shows on this device, needs no connection, and merges with what others do meanwhile.
 * More than 500 tracks at once become several events. Source: merge.md section 3.1.
 */
import { ITEMS_MAX } from "../limits.js";
import * as edits from "../model/edits.js";
import type { DataOf, Kind, ListName } from "../model/events.js";
import { itemId } from "../model/ids.js";
import type { ItemView } from "../model/order/blocks.js";
import type { ListView } from "../model/views/live_list.js";
import type { ListInserted, ListItem } from "../schemas/events.js";
import { Done, type Restore } from "./done.js";
import { draft, type Draft } from "./draft.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import type { OwnEvent } from "./own_event.js";
import { ofFamilies, subscribe } from "./subscribe.js";

type TrackItem = ListItem & { readonly track: string };

/** A track's id, or an object with a `track` and whatever else. */
export type Track = string | TrackItem;

/** The event that inserts items; `last` is the last entry of those that were inserted before them by the same action. */
type Place = (view: ListView, items: readonly ListItem[], last: string | null) => ListInserted;

/** See the first lines. `Item`: what an entry is, where it is no track. */
export class EditableList<Item extends ListItem = TrackItem> {
  protected readonly state: LocalState;
  protected readonly lists: Lists;

  constructor(
    state: LocalState,
    lists: Lists,
    /** Where its events go. */
    readonly stream: string,
    readonly list: ListName,
  ) {
    this.state = state;
    this.lists = lists;
  }

  // --- what shows ---

  /** The entries in order: `id`, and `item` as it was added. The same array until one of them changes. */
  get items(): readonly ItemView[] {
    return this.view.items();
  }

  /** The tracks in order. */
  get tracks(): readonly string[] {
    return this.items.map(({ item }) => String(item["track"]));
  }

  /** The entries from `start` up to but not including `stop`; cheap in a long list. */
  slice(start: number, stop: number): readonly ItemView[] {
    return this.view.slice(start, stop);
  }

  /** How many entries show. */
  get length(): number {
    return this.view.length;
  }

  [Symbol.iterator](): Iterator<ItemView> {
    return this.items[Symbol.iterator]();
  }

  /** Call `callback` after changes, in a moment and once for all of them. Returns what ends that. */
  subscribe(callback: () => void): () => void {
    return subscribe(this.state, ofFamilies(this.stream, this.list), callback);
  }

  // --- what changes it ---

  /** Add tracks to the end. */
  add(...tracks: readonly (string | Item)[]): Done {
    return this.#insert(tracks, (view, items) => edits.insertAtEnd(view, items));
  }

  /** Add tracks so that the first shows at an index, 0 to the length. @throws NotFound: the index is outside. */
  insert(index: number, ...tracks: readonly (string | Item)[]): Done {
    return this.#insert(tracks, (view, items, last) =>
      last === null ? edits.insertAt(view, index, items) : edits.insertAfter(view, last, items),
    );
  }

  /** Add tracks right after an entry; null stands for the start. @throws NotFound: the list never had the entry. */
  insertAfter(entry: string | null, ...tracks: readonly (string | Item)[]): Done {
    return this.#insert(tracks, (view, items, last) => edits.insertAfter(view, last ?? this.#now(entry), items));
  }

  /** Take entries out, by id. @throws NotFound: the list never had one of them. */
  remove(...entries: readonly string[]): Done {
    const events = chunks(this.#allNow(entries)).map((ids) =>
      this.#edit("list.removed", (view) => edits.removeOrRestore(view, ids)),
    );
    return new Done(this.state, events, (event, mine) => {
      const { ids } = event.event.data as DataOf<"list.removed">;
      return this.#restored(ids.filter((id) => mine.has(`${this.list}/on/${id}`)));
    });
  }

  /**
   * Move an entry, or several as one block in the order given, to an index of the list without them.
   *
   * @throws NotFound: the list never had one of them, or the index is outside.
   * @throws LimitExceeded: more than 500 entries.
   */
  move(entries: string | readonly string[], { to }: { readonly to: number }): Done {
    return this.#move(entries, (view, ids) => edits.moveTo(view, ids, to));
  }

  /** The same, right after another entry; null stands for the start. Throws as `move`. */
  moveAfter(entries: string | readonly string[], { left }: { readonly left: string | null }): Done {
    return this.#move(entries, (view, ids) => edits.moveAfter(view, ids, this.#now(left)));
  }

  /** Take out all that this device knows of. What others add meanwhile stays. */
  clear(): Done {
    const showed = this.items.map(({ id }) => id);
    const event = this.#edit("list.cleared", edits.clear);
    return new Done(this.state, [event], (_, mine) => {
      const gone = this.#allNow(showed).filter((id) => !this.view.shows(id));
      return mine.size > 0 ? this.#restored(gone) : [];
    });
  }

  // --- inside ---

  protected get view(): ListView {
    return this.lists.view(this.stream, this.list);
  }

  #edit<K extends Kind>(kind: K, edit: (view: ListView) => DataOf<K>): OwnEvent {
    return this.state.act(() => draft(kind, edit(this.view), this));
  }

  #insert(tracks: readonly (string | Item)[], place: Place): Done {
    const items = tracks.map((track) => (typeof track === "string" ? { track } : track));
    const events: OwnEvent[] = [];
    for (const chunk of chunks(items)) {
      const before = events.at(-1);
      const last = before === undefined ? null : itemId(before.id, insertedBy(before) - 1);
      events.push(this.#edit("list.inserted", (view) => place(view, chunk, last)));
    }
    return new Done(this.state, events, (event) => {
      const ids = Array.from({ length: insertedBy(event) }, (_, k) => itemId(event.id, k));
      const there = ids.filter((id) => this.view.shows(id));
      return there.length === 0 ? [] : [draft("list.removed", { list: this.list, ids: there }, this)];
    });
  }

  #move(entries: string | readonly string[], edit: (view: ListView, ids: string[]) => DataOf<"list.moved">): Done {
    const ids = this.#allNow(typeof entries === "string" ? [entries] : entries);
    const before = ids.map((id) => [id, this.view.slotOf(id)] as const);
    const event = this.#edit("list.moved", (view) => edit(view, ids));
    const restore: Restore = (_, mine) =>
      before.flatMap((names): Draft[] => {
        const [item = "", slot = ""] = this.#allNow(names);
        if (!mine.has(`${this.list}/at/${item}`)) return [];
        return [draft("list.moved_back", { list: this.list, item, slot }, this)];
      });
    return new Done(this.state, [event], restore);
  }

  #restored(ids: readonly string[]): Draft[] {
    if (ids.length === 0) return [];
    return chunks(ids).map((chunk) => draft("list.restored", { list: this.list, ids: chunk }, this));
  }

  /** Ids as they are called now: a caller may hold one from before the server gave this store its writer. */
  #allNow(ids: readonly string[]): string[] {
    return ids.map((id) => this.state.outbox.nowCalled(this.stream, id));
  }

  #now(id: string | null): string | null {
    return id === null ? null : this.state.outbox.nowCalled(this.stream, id);
  }
}

function insertedBy({ event }: OwnEvent): number {
  return (event.data as DataOf<"list.inserted">).items.length;
}

/** As many as one event may have; of nothing one empty chunk, so that the mistake is told as any other. */
function chunks<T>(all: readonly T[]): T[][] {
  const count = Math.max(1, Math.ceil(all.length / ITEMS_MAX));
  return Array.from({ length: count }, (_, index) => all.slice(index * ITEMS_MAX, (index + 1) * ITEMS_MAX));
}
