/**
 * What an app sees of a device: everything that needs no connection, all of it synchronous.
 *
 * The lifecycle around it is that of `Device`. Views are cheap to read at any time, and the same object until something in
 * them changes; `subscribe` on each tells when that is.
 */
import type { Json } from "../model/canonical.js";
import type { ReadonlyCells } from "../model/cells.js";
import { isStream } from "../model/ids.js";
import { devicesView, type DeviceView } from "../model/views/devices.js";
import { sidebarView } from "../model/views/lists.js";
import type { ModesView, Repeat } from "../model/views/modes.js";
import type { PlaybackView } from "../model/views/playback.js";
import { at } from "../model/views/under.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import type { Presence } from "../schemas/messages.js";
import { Callbacks } from "./callbacks.js";
import type { Change, Refusal } from "./change.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import { Fenced } from "./fenced.js";
import { History } from "./history.js";
import { KeptView } from "./kept_view.js";
import { Library } from "./library.js";
import { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import { Player, type HowToPlay, type Playable } from "./player.js";
import { newPlaylistId, Playlist, playlistStream } from "./playlist.js";
import { Progress } from "./progress.js";
import { Queue } from "./queue.js";
import { Renderer } from "./renderer.js";
import { Settings } from "./settings.js";
import { Sidebar } from "./sidebar.js";
import { Upcoming, type Sources } from "./upcoming.js";

/** `isConnected`: whether this device is in step with the server, as far as it knows, through whichever tab. */
export type FaceOptions = Sources & { readonly isConnected: () => boolean };

export class Face {
  /** Playback in full; the commands people press are methods of the device as well. */
  readonly player: Player;
  /** For the part of an app that makes the sound. */
  readonly renderer: Renderer;
  readonly queue: Queue;
  readonly library: Library;
  readonly settings: Settings;
  readonly progress: Progress;
  readonly history: History;
  protected readonly local: LocalState;
  protected readonly lists: Lists;
  protected readonly fenced: Fenced;
  readonly #devices: KeptView<readonly DeviceView[]>;
  readonly #sidebar: Sidebar;
  /** The ids of the account's playlists, as its sidebar orders them. */
  readonly #ordered: KeptView<readonly string[]>;
  readonly #playlists = new Map<string, Playlist>();
  readonly #opened = new Set<string>();
  #presence: ReadonlyMap<string, Presence> = new Map();
  readonly #onChange = new Callbacks<Change>();
  readonly #onRefused = new Callbacks<Refusal>();

  constructor(state: LocalState, { isConnected, ...sources }: FaceOptions) {
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
    this.#ordered = new KeptView(state, OWN_STREAM, ["library", "sidebar"], (cells) =>
      sidebarView(cells).filter((id) => isStream(playlistStream(id))),
    );
    state.replicas.watch((change) => this.#onChange.tell(change));
    state.onUnsaved = (refusal) => this.tellRefused(refusal);
  }

  // --- who this is ---

  /** This device; a provisional id until it was online for the first time. */
  get deviceId(): string {
    return this.local.header.device;
  }

  /** Whose device it is; null until it was online for the first time. */
  get account(): string | null {
    return this.local.header.account;
  }

  // --- playback ---

  /** What plays where, as of now; null when nothing was ever started. */
  get playback(): PlaybackView | null {
    return this.player.view;
  }

  /** Shuffle, repeat, sleep timer. */
  get modes(): ModesView {
    return this.player.modes;
  }

  /** Play something now; see `Player.play`. */
  play(item: Playable, how: HowToPlay = {}): Done {
    return this.player.play(item, how);
  }

  /** Pause what plays. */
  pause(): Done {
    return this.player.pause();
  }

  /** Go on where it stands. */
  resume(): Done {
    return this.player.resume();
  }

  /** Go to a place in the item, in ms from its start. */
  seek(positionMs: number): Done {
    return this.player.seek(positionMs);
  }

  /** Skip to what comes next; see `Player.next`. */
  next(): Done {
    return this.player.next();
  }

  /** Back to the start of the item; from there, to the one before. */
  previous(): Done {
    return this.player.previous();
  }

  /** Let another device go on with what plays. */
  transfer(device: string): Done {
    return this.player.transfer(device);
  }

  /** Let this device be the one that plays. */
  playHere(): Done {
    return this.player.playHere();
  }

  /** Play faster or slower; 1000 is normal. */
  setSpeed(speedPermille: number): Done {
    return this.player.setSpeed(speedPermille);
  }

  /** Set how loud a device is, 0 to 1000; the one that plays when none is given. */
  setVolume(volumePermille: number, of: { readonly device?: string } = {}): Done {
    return this.player.setVolume(volumePermille, of);
  }

  /** Shuffle the context, or not. */
  setShuffle(on: boolean, how: { readonly seed?: number } = {}): Done {
    return this.player.setShuffle(on, how);
  }

  /** Repeat nothing, the item, or the context. */
  setRepeat(repeat: Repeat): Done {
    return this.player.setRepeat(repeat);
  }

  /** Let playback stop by itself after a while; null takes the timer back. */
  setSleep(timer: { readonly afterMs: number | null }): Done {
    return this.player.setSleep(timer);
  }

  // --- playlists and devices ---

  /** The account's playlists, as its sidebar orders them; deleted ones are left out. */
  get playlists(): readonly Playlist[] {
    return this.#ordered.get().map((id) => this.#playlist(id)).filter(({ about }) => !about.deleted);
  }

  /** Call `callback` after changes of which playlists there are; of a playlist itself tells its own `subscribe`. */
  subscribePlaylists(callback: () => void): () => void {
    return this.#ordered.subscribe(callback);
  }

  /**
   * One playlist, by id or stream; it is kept in step from now on.
   *
   * @throws InvalidEvent: the id has fewer than 16 characters, or others than letters, digits, `._~-`.
   */
  playlist(id: string): Playlist {
    const found = this.#playlist(id);
    if (!this.#opened.has(found.stream)) {
      this.#opened.add(found.stream);
      this.local.ears.owed();
    }
    return found;
  }

  /** Make a playlist, and keep it in the library. */
  createPlaylist(name: string): Playlist {
    const playlist = this.playlist(newPlaylistId());
    playlist.describe({ name });
    this.library.add("playlists", playlist.id);
    return playlist;
  }

  /**
   * Let a playlist, given by itself, id or stream, show at an index of `playlists` without it.
   *
   * @throws NotFound: it is not in `playlists`, or the index is outside; nothing was made.
   */
  movePlaylist(playlist: string | Playlist, { to }: { readonly to: number }): Done {
    const stream = typeof playlist === "string" ? playlistStream(playlist) : playlist.stream;
    return this.#sidebar.move(stream.slice("p:".length), to, this.playlists.map(({ id }) => id));
  }

  /** The devices of the account that have described themselves. */
  get devices(): readonly DeviceView[] {
    return this.#devices.get();
  }

  /** Call `callback` after changes of `devices`, in a moment and once for all of them. Returns what ends that. */
  subscribeDevices(callback: () => void): () => void {
    return this.#devices.subscribe(callback);
  }

  /** Which devices are connected, by id, as the server said last; empty while this one is not. */
  get presence(): ReadonlyMap<string, Presence> {
    return this.#presence;
  }

  /** Say what this device is called, what kind it is, and what it can do; what is not given stays. */
  describe(about: { readonly name?: string | null; readonly kind?: string | null; readonly capabilities?: Json }): Done {
    return new Done(this.local, [this.local.make(draft("device.described", { device: this.deviceId, ...about }))]);
  }

  // --- the plain layer below ---

  /**
   * Make any event. `data` is as its kind has it; `validMs`: a control older than that is refused as `expired`.
   *
   * @throws InvalidEvent, LimitExceeded: the server would refuse it; nothing was made.
   */
  emit(kind: string, data: object, more: { readonly stream?: string; readonly validMs?: number | null } = {}): Done {
    const { stream = OWN_STREAM, validMs = null } = more;
    return new Done(this.local, [this.local.make({ kind, data, stream, validMs })]);
  }

  /** All cells of a stream as they show: confirmed ones joined with what is pending. A copy. */
  cells(stream: string = OWN_STREAM): ReadonlyCells {
    return this.local.replicas.get(stream).shown.all();
  }

  /** The digest of the confirmed cells of a stream: 16 hex digits. */
  digest(stream: string = OWN_STREAM): string {
    return this.local.replicas.get(stream).digest();
  }

  /** How many own events have no answer yet. */
  get owed(): number {
    return this.local.outbox.size;
  }

  // --- changes ---

  /** Call `callback` after every change, a moment later. Returns what ends that. */
  onChange(callback: (change: Change) => void): () => void {
    return this.#onChange.add(callback);
  }

  /** Call `callback` when an own event was refused for good, or not taken by the store. Returns what ends that. */
  onRefused(callback: (refusal: Refusal) => void): () => void {
    return this.#onRefused.add(callback);
  }

  // --- for the device around it ---

  /** The playlists to be in step with: those an app has opened, and those of the library. Asked very often. */
  protected wantedStreams(): readonly string[] {
    return [...new Set([...this.#opened, ...this.#ordered.get().map(playlistStream)])];
  }

  /** Other devices came and went. */
  protected tellPresence(presence: ReadonlyMap<string, Presence>): void {
    this.#presence = new Map(presence);
  }

  /** An own event was refused for good. */
  protected tellRefused(refusal: Refusal): void {
    this.#onRefused.tell(refusal);
  }

  #playlist(id: string): Playlist {
    const stream = playlistStream(id);
    return at(this.#playlists, stream, () => {
      this.local.replicas.get(stream); // throws where that is no stream
      return new Playlist(this.local, this.lists, stream);
    });
  }
}
