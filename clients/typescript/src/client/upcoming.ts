/**
 * What a session plays from, and what comes next in it.
 *
 * "Next" is resolved by the device that presses it: the first entry of the queue that was not played, else the context,
 * else its beginning if everything repeats, else whatever the radio offers. A shuffled context is in the same order on every
 * device. Source: merge.md section 3.2.
 *
 * A context is free JSON. Two forms are understood here, `{"playlist": id}` and `{"tracks": [track, …]}`; an app that has
 * others gives a `Contexts` of its own.
 */
import { isArray, type Json } from "../model/canonical.js";
import type { ItemView } from "../model/order/blocks.js";
import { shuffled, upcoming } from "../model/shuffle.js";
import { modesView, type ModesView } from "../model/views/modes.js";
import type { Play, Plays } from "../model/views/plays.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import type { ListItem, PlayedItem } from "../schemas/events.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import { playlistStream } from "./playlist.js";

/** An item of a context: `id` and `track`, perhaps `duration_ms`, and whatever else. */
export type ContextItem = ListItem & { readonly id: string; readonly track: string };
/** The items of a context in order; null for one that it does not know. */
export type Contexts = (context: Json) => readonly ContextItem[] | null;
/** What to play when a context is over; null for silence. */
export type Radio = (context: Json) => ContextItem | null;
/** What an app plays from, if not playlists and lists of tracks. */
export type Sources = { readonly contexts?: Contexts | undefined; readonly radio?: Radio | undefined };

/** Resolves next and previous on what shows here. */
export class Upcoming {
  readonly #state: LocalState;
  readonly #lists: Lists;
  readonly #sources: Sources;

  constructor(state: LocalState, lists: Lists, sources: Sources) {
    this.#state = state;
    this.#lists = lists;
    this.#sources = sources;
  }

  /** Shuffle, repeat, sleep timer. */
  get modes(): ModesView {
    return modesView(this.#state.replicas.own.shown);
  }

  /** The entries of a context in their own order; none of one that nobody here understands. */
  entries(context: Json): readonly ItemView[] {
    const known = this.#sources.contexts?.(context) ?? null;
    if (known !== null) return known.map((item) => ({ id: item.id, item }));
    const { playlist, tracks } = formsOf(context);
    if (playlist !== null) return this.#lists.view(playlistStream(playlist), "items").items();
    return tracks.map((track, place) => ({ id: String(place), item: { track } }));
  }

  /** What comes after a play, as an event names it; null when there is nothing. */
  after(head: Play, isAutomatic: boolean): PlayedItem | null {
    if (isAutomatic && this.modes.repeat === "one") return head.item;
    const [first] = this.#lists.view(OWN_STREAM, "queue").slice(0, 1);
    if (first !== undefined) return playedItem(first, "queue");
    const context = this.#contextOf(head);
    const entry = this.#afterInContext(head, context);
    if (entry !== null) return playedItem(entry, "context");
    const item = this.#sources.radio?.(context) ?? null;
    return item === null ? null : playedItem({ id: item.id, item }, "context");
  }

  /** What came before a play in its context; null at the beginning. */
  before(head: Play): PlayedItem | null {
    const entries = this.entries(this.#contextOf(head));
    const current = this.#ofContext(head);
    if (current === null || entries.length === 0) return null;
    if (head.item.from === "queue") return current.item;
    const order = this.#order(head, entries);
    const place = Math.max(0, order.indexOf(current.item.id));
    if (place === 0 && this.modes.repeat !== "all") return null;
    return playedItem(find(entries, order.at(place - 1)), "context");
  }

  // --- inside ---

  #afterInContext(head: Play, context: Json): ItemView | null {
    const entries = this.entries(context);
    const current = this.#ofContext(head);
    if (entries.length === 0 || current === null) return entries[0] ?? null;
    const { id } = current.item;
    const ids = entries.map((entry) => entry.id);
    const { shuffle, repeat } = this.modes;
    const place = ids.indexOf(id);
    let ahead: readonly string[];
    if (shuffle.on) ahead = upcoming(ids, shuffle.seed, id, this.#firstOfRound(head, id));
    else ahead = place >= 0 ? ids.slice(place + 1) : this.#afterStranger(context, ids, id);
    if (ahead.length > 0) return find(entries, ahead[0]);
    return repeat === "all" ? find(entries, this.#order(head, entries)[0]) : null;
  }

  /**
   * What comes after an item that is not in its context. An entry that was taken out of its playlist while it sounded has
   * left its slot there; what never was in the context comes before all of it.
   */
  #afterStranger(context: Json, ids: readonly string[], id: string): readonly string[] {
    const { playlist } = formsOf(context);
    if (playlist === null) return ids;
    const view = this.#lists.view(playlistStream(playlist), "items");
    if (!view.has(id)) return ids;
    const slots = view.slots();
    const behind = new Set(slots.slice(slots.indexOf(view.slotOf(id)) + 1));
    return ids.filter((each) => view.has(each) && behind.has(view.slotOf(each)));
  }

  /** The ids of a context in the order they are played in. */
  #order(head: Play, entries: readonly ItemView[]): readonly string[] {
    const ids = entries.map((entry) => entry.id);
    const { shuffle } = this.modes;
    if (!shuffle.on) return ids;
    const current = this.#ofContext(head);
    return shuffled(ids, shuffle.seed, current === null ? null : this.#firstOfRound(head, current.item.id));
  }

  /** The item that the shuffled order begins with: what sounded when the epoch began, or shuffle was set in it. */
  #firstOfRound(head: Play, current: string): string {
    const setAt = this.#state.replicas.own.shown.get("mode/shuffle")?.rank ?? "";
    let first = current;
    for (const play of this.#plays.chain(head)) {
      if (play.epoch !== head.epoch) break;
      if (play.item.from === "context") {
        first = play.item.id;
        if (play.rank < setAt) break;
      }
    }
    return first;
  }

  #contextOf(head: Play): Json {
    return this.#plays.startOf(head)?.context ?? null;
  }

  /** The last play of the context: the head, or what led to it while the queue was played. */
  #ofContext(head: Play): Play | null {
    for (const play of this.#plays.chain(head)) if (play.item.from === "context") return play;
    return null;
  }

  get #plays(): Plays {
    return this.#lists.plays();
  }
}

/** An entry as a play names it, with whatever else its item says. */
export function playedItem({ id, item }: ItemView, from: PlayedItem["from"]): PlayedItem {
  return { ...item, from, id } as PlayedItem;
}

/** The two forms of a context that are understood here. */
function formsOf(context: Json): { readonly playlist: string | null; readonly tracks: readonly string[] } {
  if (typeof context !== "object" || context === null || isArray(context)) return { playlist: null, tracks: [] };
  const { playlist, tracks } = context;
  return {
    playlist: typeof playlist === "string" ? playlist : null,
    tracks: isArray(tracks) ? tracks.filter((track) => typeof track === "string") : [],
  };
}

function find(entries: readonly ItemView[], id: string | undefined): ItemView {
  const found = entries.find((entry) => entry.id === id);
  if (found === undefined) throw new Error(`item ${id} is not in its context`);
  return found;
}
