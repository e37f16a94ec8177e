import { isStream } from "../model/ids.js";
import { devicesView } from "../model/views/devices.js";
import { sidebarView } from "../model/views/lists.js";
import { at } from "../model/views/under.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Callbacks } from "./callbacks.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { Fenced } from "./fenced.js";
import { History } from "./history.js";
import { KeptView } from "./kept_view.js";
import { Library } from "./library.js";
import { Lists } from "./lists.js";
import { Player } from "./player.js";
import { newPlaylistId, Playlist, playlistStream } from "./playlist.js";
import { Progress } from "./progress.js";
import { Queue } from "./queue.js";
import { Renderer } from "./renderer.js";
import { Settings } from "./settings.js";
import { Sidebar } from "./sidebar.js";
import { Upcoming } from "./upcoming.js";
export class Face {
    player;
    renderer;
    queue;
    library;
    settings;
    progress;
    history;
    local;
    lists;
    fenced;
    #devices;
    #sidebar;
    #ordered;
    #playlists = new Map();
    #opened = new Set();
    #presence = new Map();
    #onChange = new Callbacks();
    #onRefused = new Callbacks();
    constructor(state, { isConnected, ...sources }) {
        this.local = state;
        this.lists = new Lists(state);
        this.player = new Player(state, this.lists, new Upcoming(state, this.lists, sources), isConnected);
        this.renderer = new Renderer(state, this.player);
        this.queue = new Queue(state, this.lists);
        this.library = new Library(state);
        this.settings = new Settings(state);
        this.progress = new Progress(state);
        this.history = new History(state);
        this.#sidebar = new Sidebar(state, this.lists);
        this.fenced = new Fenced(state, this.lists, this.player);
        this.#devices = new KeptView(state, OWN_STREAM, ["device"], devicesView);
        this.#ordered = new KeptView(state, OWN_STREAM, ["library", "sidebar"], (cells) => sidebarView(cells).filter((id) => isStream(playlistStream(id))));
        state.replicas.watch((change) => this.#onChange.tell(change));
        state.onUnsaved = (refusal) => this.tellRefused(refusal);
    }
    get deviceId() {
        return this.local.header.device;
    }
    get account() {
        return this.local.header.account;
    }
    get playback() {
        return this.player.view;
    }
    get modes() {
        return this.player.modes;
    }
    play(item, how = {}) {
        return this.player.play(item, how);
    }
    pause() {
        return this.player.pause();
    }
    resume() {
        return this.player.resume();
    }
    seek(positionMs) {
        return this.player.seek(positionMs);
    }
    next() {
        return this.player.next();
    }
    previous() {
        return this.player.previous();
    }
    transfer(device) {
        return this.player.transfer(device);
    }
    playHere() {
        return this.player.playHere();
    }
    setSpeed(speedPermille) {
        return this.player.setSpeed(speedPermille);
    }
    setVolume(volumePermille, of = {}) {
        return this.player.setVolume(volumePermille, of);
    }
    setShuffle(on, how = {}) {
        return this.player.setShuffle(on, how);
    }
    setRepeat(repeat) {
        return this.player.setRepeat(repeat);
    }
    setSleep(timer) {
        return this.player.setSleep(timer);
    }
    get playlists() {
        return this.#ordered.get().map((id) => this.#playlist(id)).filter(({ about }) => !about.deleted);
    }
    subscribePlaylists(callback) {
        return this.#ordered.subscribe(callback);
    }
    playlist(id) {
        const found = this.#playlist(id);
        if (!this.#opened.has(found.stream)) {
            this.#opened.add(found.stream);
            this.local.ears.owed();
        }
        return found;
    }
    createPlaylist(name) {
        const playlist = this.playlist(newPlaylistId());
        playlist.describe({ name });
        this.library.add("playlists", playlist.id);
        return playlist;
    }
    movePlaylist(playlist, { to }) {
        const stream = typeof playlist === "string" ? playlistStream(playlist) : playlist.stream;
        return this.#sidebar.move(stream.slice("p:".length), to, this.playlists.map(({ id }) => id));
    }
    get devices() {
        return this.#devices.get();
    }
    subscribeDevices(callback) {
        return this.#devices.subscribe(callback);
    }
    get presence() {
        return this.#presence;
    }
    describe(about) {
        return new Done(this.local, [this.local.make(draft("device.described", { device: this.deviceId, ...about }))]);
    }
    emit(kind, data, more = {}) {
        const { stream = OWN_STREAM, validMs = null } = more;
        return new Done(this.local, [this.local.make({ kind, data, stream, validMs })]);
    }
    cells(stream = OWN_STREAM) {
        return this.local.replicas.get(stream).shown.all();
    }
    digest(stream = OWN_STREAM) {
        return this.local.replicas.get(stream).digest();
    }
    get owed() {
        return this.local.outbox.size;
    }
    onChange(callback) {
        return this.#onChange.add(callback);
    }
    onRefused(callback) {
        return this.#onRefused.add(callback);
    }
    wantedStreams() {
        return [...new Set([...this.#opened, ...this.#ordered.get().map(playlistStream)])];
    }
    tellPresence(presence) {
        this.#presence = new Map(presence);
    }
    tellRefused(refusal) {
        this.#onRefused.tell(refusal);
    }
    #playlist(id) {
        const stream = playlistStream(id);
        return at(this.#playlists, stream, () => {
            this.local.replicas.get(stream);
            return new Playlist(this.local, this.lists, stream);
        });
    }
}
