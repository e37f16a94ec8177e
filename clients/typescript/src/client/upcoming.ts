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

  /** The items of a context in their own order; none of one that nobody here understands. */
  items(context: Json): readonly ContextItem[] {
    const known = this.#sources.contexts?.(context) ?? null;
    if (known !== null) return known;
    const { playlist, tracks } = formsOf(context);
    if (playlist !== null) {
      const entries = this.#lists.view(playlistStream(playlist), "items").items();
      return entries.map(({ id, item }) => ({ ...item, id }) as ContextItem);
    }
    return tracks.map((track, place) => ({ id: String(place), track }));
  }

  /** What comes after a play, as an event names it; null when there is nothing. */
  after(head: Play, isAutomatic: boolean): PlayedItem | null {
    if (isAutomatic && this.modes.repeat === "one") return playedItem(head.item, head.item.from);
    const [first] = this.#lists.view(OWN_STREAM, "queue").slice(0, 1);
    if (first !== undefined) return playedItem({ ...first.item, id: first.id } as ContextItem, "queue");
    const context = this.#contextOf(head);
    const item = this.#afterInContext(head, context) ?? this.#sources.radio?.(context) ?? null;
    return item === null ? null : playedItem(item, "context");
  }

  /** What came before a play in its context; null at the beginning. */
  before(head: Play): PlayedItem | null {
    const items = this.items(this.#contextOf(head));
    const current = this.#ofContext(head);
    if (current === null || items.length === 0) return null;
    if (head.item.from === "queue") return playedItem(current.item, "context");
    const order = this.#order(head, items);
    const place = Math.max(0, order.indexOf(current.item.id));
    if (place === 0 && this.modes.repeat !== "all") return null;
    return playedItem(find(items, order.at(place - 1)!), "context");
  }

  // --- inside ---

  #afterInContext(head: Play, context: Json): ContextItem | null {
    const items = this.items(context);
    const current = this.#ofContext(head);
    if (items.length === 0 || current === null) return items[0] ?? null;
    const { id } = current.item;
    const ids = items.map((item) => item.id);
    const { shuffle, repeat } = this.modes;
    const place = ids.indexOf(id);
    let ahead: readonly string[];
    if (shuffle.on) ahead = upcoming(ids, shuffle.seed, id, this.#firstOfRound(head, id));
    else ahead = place >= 0 ? ids.slice(place + 1) : this.#afterStranger(context, ids, id);
    if (ahead[0] !== undefined) return find(items, ahead[0]);
    return repeat === "all" ? find(items, this.#order(head, items)[0]!) : null;
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
  #order(head: Play, items: readonly ContextItem[]): readonly string[] {
    const ids = items.map((item) => item.id);
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

/** An item as a play names it, with whatever else it says. */
export function playedItem(item: ContextItem | PlayedItem, from: PlayedItem["from"]): PlayedItem {
  return { ...item, from, id: item.id } as PlayedItem;
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

function find(items: readonly ContextItem[], id: string): ContextItem {
  const found = items.find((item) => item.id === id);
  if (found === undefined) throw new Error(`item ${id} is not in its context`);
  return found;
}
