/** What a listener keeps: favourites, follows, ratings. */
import { ITEMS_MAX } from "../limits.js";
import type { DataOf } from "../model/events.js";
import { keyPart } from "../model/ids.js";
import { libraryView, type LibraryView } from "../model/views/library.js";
import { at } from "../model/views/under.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Done } from "./done.js";
import { draft, type Draft } from "./draft.js";
import { KeptView } from "./kept_view.js";
import type { LocalState } from "./local_state.js";
import type { OwnEvent } from "./own_event.js";

const RATINGS = "ratings";

/** See the first line. Nothing is emitted for what already holds. */
export class Library {
  readonly #state: LocalState;
  readonly #sets: KeptView<LibraryView>;

  constructor(state: LocalState) {
    this.#state = state;
    this.#sets = new KeptView(state, OWN_STREAM, ["library"], libraryView);
  }

  /** Set -> id -> true, or 0 to 100 in `ratings`; ids in the order in which they were added, oldest first. */
  get sets(): LibraryView {
    return this.#sets.get();
  }

  /** Call `callback` after changes, in a moment and once for all of them. Returns what ends that. */
  subscribe(callback: () => void): () => void {
    return this.#sets.subscribe(callback);
  }

  /** Whether something is in a set. */
  has(set: string, id: string): boolean {
    return this.#value(set, id) !== false;
  }

  /** 0 to 100; null when it was never rated, or not any more. */
  rating(id: string): number | null {
    const value = this.#value(RATINGS, id);
    return typeof value === "number" ? value : null;
  }

  /** Put things into a set: "tracks", "albums", "artists", "shows", "playlists" or one of your own. */
  add(set: string, ...ids: readonly string[]): Done {
    return this.#change(set, ids, true);
  }

  /** Take things out of a set. */
  remove(set: string, ...ids: readonly string[]): Done {
    return this.#change(set, ids, false);
  }

  /** Rate something, 0 to 100; null takes the rating back. */
  rate(id: string, rating: number | null): Done {
    return this.#change(RATINGS, [id], rating ?? false);
  }

  #value(set: string, id: string): boolean | number {
    const value = this.#state.replicas.own.shown.get(keyOf(set, id))?.value;
    return typeof value === "number" || value === true ? value : false;
  }

  #change(set: string, ids: readonly string[], value: boolean | number): Done {
    const before = new Map(ids.map((id) => [id, this.#value(set, id)]));
    const fresh = [...before.keys()].filter((id) => before.get(id) !== value);
    const events: OwnEvent[] = [];
    for (let from = 0; from < fresh.length; from += ITEMS_MAX) {
      events.push(this.#state.make(changed(set, fresh.slice(from, from + ITEMS_MAX), value)));
    }
    return new Done(this.#state, events, (event, mine) => {
      const back = new Map<boolean | number, string[]>();
      for (const id of (event.event.data as DataOf<"library.changed">).ids) {
        if (mine.has(keyOf(set, id))) at(back, before.get(id) ?? false, () => []).push(id);
      }
      return Array.from(back, ([old, each]) => changed(set, each, old));
    });
  }
}

function keyOf(set: string, id: string): string {
  return `library/${keyPart(set)}/${keyPart(id)}`;
}

function changed(set: string, ids: readonly string[], value: boolean | number): Draft {
  return draft("library.changed", { set, ids, value });
}
