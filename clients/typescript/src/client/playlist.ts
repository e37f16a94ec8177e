/** One playlist: its entries, what it says about itself, who may do what. */
import type { Json, JsonObject } from "../model/canonical.js";
import { keyPart } from "../model/ids.js";
import { playlistView, type MemberRole, type PlaylistView } from "../model/views/playlist.js";
import type { PlaylistDescribed } from "../schemas/events.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { EditableList } from "./editable_list.js";
import { KeptView } from "./kept_view.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import { randomText } from "./random.js";
import { ofFamilies, subscribe } from "./subscribe.js";

/** 129 random bits: whoever knows the id of a public playlist can read it, so it must not be guessed. */
const PLAYLIST_ID_LENGTH = 25;
const FAMILIES = ["playlist", "member"] as const;

/** An id for a playlist that does not exist yet. */
export function newPlaylistId(): string {
  return randomText(PLAYLIST_ID_LENGTH);
}

/** The stream of a playlist, given by id or by stream. */
export function playlistStream(playlist: string): string {
  return playlist.startsWith("p:") ? playlist : `p:${playlist}`;
}

/** See the first line. */
export class Playlist extends EditableList {
  readonly id: string;
  readonly #about: KeptView<PlaylistView>;

  /** By id or stream. */
  constructor(state: LocalState, lists: Lists, playlist: string) {
    super(state, lists, playlistStream(playlist), "items");
    this.id = this.stream.slice(2);
    this.#about = new KeptView(state, this.stream, FAMILIES, playlistView);
  }

  /** What to play from, for `play(…, {context})`: "next" then goes through this playlist. */
  get context(): Json {
    return { playlist: this.id };
  }

  /** Name, description, flags and members, as they show here. */
  get about(): PlaylistView {
    return this.#about.get();
  }

  /** What it is called; null when nobody said. */
  get name(): string | null {
    return this.about.name;
  }

  /** Also when what it says about itself changes. */
  override subscribe(callback: () => void): () => void {
    return subscribe(this.state, ofFamilies(this.stream, "items", ...FAMILIES), callback);
  }

  /** Change what it says about itself; what is not given stays. */
  describe(about: PlaylistDescribed): Done {
    const before = this.about;
    const event = this.state.make(draft("playlist.described", about, this));
    return new Done(this.state, [event], (_, mine) => {
      const fields = Array.from(mine, (key) => key.slice("playlist/".length) as keyof PlaylistDescribed);
      const back: JsonObject = Object.fromEntries(fields.map((field) => [field, before[field]]));
      return fields.length === 0 ? [] : [draft("playlist.described", back, this)];
    });
  }

  /** Call it something else. */
  rename(name: string): Done {
    return this.describe({ name });
  }

  /** Hide it from everybody; `undelete` brings it back with all that was added meanwhile. */
  delete(): Done {
    return this.describe({ deleted: true });
  }

  /** Bring it back. */
  undelete(): Done {
    return this.describe({ deleted: false });
  }

  /** Give an account a role; null takes it away. */
  share(account: string, role: MemberRole | null): Done {
    const before = this.about.members.get(account) ?? null;
    const event = this.state.make(draft("playlist.member_changed", { account, role }, this));
    return new Done(this.state, [event], (_, mine) =>
      mine.has(`member/${keyPart(account)}`)
        ? [draft("playlist.member_changed", { account, role: before }, this)]
        : [],
    );
  }
}
