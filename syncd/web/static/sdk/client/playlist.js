import { keyPart } from "../model/ids.js";
import { playlistView } from "../model/views/playlist.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { EditableList } from "./editable_list.js";
import { KeptView } from "./kept_view.js";
import { randomText } from "./random.js";
import { ofFamilies, subscribe } from "./subscribe.js";
const PLAYLIST_ID_LENGTH = 25;
const FAMILIES = ["playlist", "member"];
export function newPlaylistId() {
    return randomText(PLAYLIST_ID_LENGTH);
}
export function playlistStream(playlist) {
    return playlist.startsWith("p:") ? playlist : `p:${playlist}`;
}
export class Playlist extends EditableList {
    id;
    #about;
    constructor(state, lists, playlist) {
        super(state, lists, playlistStream(playlist), "items");
        this.id = this.stream.slice(2);
        this.#about = new KeptView(state, this.stream, FAMILIES, playlistView);
    }
    get context() {
        return { playlist: this.id };
    }
    get about() {
        return this.#about.get();
    }
    get name() {
        return this.about.name;
    }
    subscribe(callback) {
        return subscribe(this.state, ofFamilies(this.stream, "items", ...FAMILIES), callback);
    }
    describe(about) {
        const before = this.about;
        const event = this.state.make(draft("playlist.described", about, this));
        return new Done(this.state, [event], (_, mine) => {
            const fields = Array.from(mine, (key) => key.slice("playlist/".length));
            const back = Object.fromEntries(fields.map((field) => [field, before[field]]));
            return fields.length === 0 ? [] : [draft("playlist.described", back, this)];
        });
    }
    rename(name) {
        return this.describe({ name });
    }
    delete() {
        return this.describe({ deleted: true });
    }
    undelete() {
        return this.describe({ deleted: false });
    }
    share(account, role) {
        const before = this.about.members.get(account) ?? null;
        const event = this.state.make(draft("playlist.member_changed", { account, role }, this));
        return new Done(this.state, [event], (_, mine) => mine.has(`member/${keyPart(account)}`)
            ? [draft("playlist.member_changed", { account, role: before }, this)]
            : []);
    }
}
