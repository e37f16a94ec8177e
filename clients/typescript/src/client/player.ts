/**
 * Playback, as a listener commands it from any device of the account.
 *
 * A command is an event like any other: it shows at once, merges with what others press, and needs no connection. One for a
 * session that another device renders is good for 10 s only, so that a press made in a tunnel neither stops nor starts a
 * room hours later. Source: merge.md section 3.2.
 */
import { InvalidEvent, NotFound } from "../errors.js";
import { CONTROL_VALID_MS } from "../limits.js";
import type { Json, JsonObject } from "../model/canonical.js";
import type { DataOf, Kind } from "../model/events.js";
import { keyPart } from "../model/ids.js";
import type { ItemView } from "../model/order/blocks.js";
import type { ModesView, Repeat } from "../model/views/modes.js";
import { playbackAt, type PlaybackView } from "../model/views/playback.js";
import type { Play } from "../model/views/plays.js";
import { NORMAL_SPEED_PERMILLE } from "../model/views/sounding.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import type { PlaybackModeChanged, PlayedItem } from "../schemas/events.js";
import { Done, type Restore } from "./done.js";
import { draft, type Draft } from "./draft.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import type { OwnEvent } from "./own_event.js";
import { ofFamilies, subscribe } from "./subscribe.js";
import { playedItem, type Upcoming } from "./upcoming.js";

/** Further into an item than this, "previous" goes to its start: people press it to hear the beginning again. */
const BACK_MS = 3_000;
/** Commands remembered; nobody presses more within the two seconds that matter. */
const CONTROLS_MAX = 16;
/** The cells that tell what plays where. */
const FAMILIES = ["play", "play_at", "play_on", "play_off", "play_speed", "play_report", "mode", "device"] as const;

/** A track, an object with `track` (and `id`, `duration_ms`, …), or an entry of the queue or a playlist. */
export type Playable = string | (JsonObject & { readonly track: string }) | ItemView;
/**
 * `context`: what to go on with afterwards, see `upcoming.ts`; null for nothing. `device`: who plays it; this device when
 * not given. `playing`: false to begin paused.
 */
export type HowToPlay = {
  readonly context?: Json;
  readonly positionMs?: number;
  readonly device?: string;
  readonly playing?: boolean;
};

type Start = Pick<DataOf<"playback.started">, "item" | "position_ms" | "playing" | "speed_permille"> & {
  readonly context: Json;
};

export class Player {
  /** The last commands for the session that showed, for `fenced.ts`. */
  controls: OwnEvent[] = [];
  readonly #state: LocalState;
  readonly #lists: Lists;
  readonly #upcoming: Upcoming;
  readonly #isConnected: () => boolean;

  constructor(state: LocalState, lists: Lists, upcoming: Upcoming, isConnected: () => boolean) {
    this.#state = state;
    this.#lists = lists;
    this.#upcoming = upcoming;
    this.#isConnected = isConnected;
  }

  // --- what shows ---

  /** What plays where, as of now by the server's clock; null when nothing was ever started. */
  get view(): PlaybackView | null {
    return this.#view(this.head);
  }

  /** The play that `view` is of. */
  get head(): Play | null {
    return this.#lists.head();
  }

  /** The account's live session, also while this device plays something by itself. */
  get live(): PlaybackView | null {
    return this.#view(this.#lists.plays().head());
  }

  /** Shuffle, repeat, sleep timer. */
  get modes(): ModesView {
    return this.#upcoming.modes;
  }

  /** Whether this device plays by itself what it began without a connection, while a live session goes on. */
  get offersPlayHere(): boolean {
    return this.view?.detached === true && this.live !== null;
  }

  /**
   * Call `callback` after changes of what plays where and how, in a moment and once for all of them; not while time goes by.
   * Returns what ends that.
   */
  subscribe(callback: () => void): () => void {
    return subscribe(this.#state, ofFamilies(OWN_STREAM, ...FAMILIES), callback);
  }

  // --- starting ---

  /** Play something now. @throws InvalidEvent: it has no track. */
  play(item: Playable, how: HowToPlay = {}): Done {
    const { context = null, positionMs = 0, device = this.#me, playing = true } = how;
    return this.#act(() => {
      const speed = this.view?.speed_permille ?? NORMAL_SPEED_PERMILLE;
      const start = { item: this.#item(item, context), context, playing, position_ms: positionMs, speed_permille: speed };
      return this.#start(device, start);
    });
  }

  /** Let another device go on with what plays, at the same place. @throws NotFound: nothing was ever started. */
  transfer(device: string): Done {
    return this.#act(() => {
      const { context, position_ms, playing, speed_permille } = this.#now();
      return this.#start(device, { item: this.#head().item, context, position_ms, playing, speed_permille });
    });
  }

  /** Let this device be the one that plays: what it plays by itself, or else what plays elsewhere. Throws as `transfer`. */
  playHere(): Done {
    return this.transfer(this.#me);
  }

  /** Show the live session again, and forget about the one this device began by itself. */
  async leaveDetached(): Promise<void> {
    const { view } = this;
    if (view?.detached) await this.#state.leave(view.epoch);
  }

  // --- controls: all of them throw `NotFound` when nothing was ever started ---

  /** Pause what plays. */
  pause(): Done {
    return this.#control(({ epoch }) => ["playback.paused", { epoch }]);
  }

  /** Go on where it stands. */
  resume(): Done {
    return this.#control(({ epoch, play, position_ms }) => ["playback.resumed", { epoch, play, position_ms }]);
  }

  /** Go to a place in the item, in ms from its start. */
  seek(positionMs: number): Done {
    return this.#control(({ play, playing }) => ["playback.seeked", { play, position_ms: positionMs, playing }]);
  }

  /** Play faster or slower; 1000 is normal. */
  setSpeed(speedPermille: number): Done {
    return this.#control(({ epoch, play, position_ms, playing }) => [
      "playback.speed_changed",
      { epoch, play, position_ms, playing, speed_permille: speedPermille },
    ]);
  }

  /** Skip to what comes next. @throws NotFound: there is nothing to go on with. */
  next(): Done {
    return this.#control(() => {
      const item = this.#upcoming.after(this.#head(), false);
      if (item === null) {
        throw new NotFound("there is nothing to go on with: the queue is empty, and the context at its end");
      }
      return this.#advance(item);
    });
  }

  /**
   * What sounds has come to its natural end: go on with what comes next, or pause when there is nothing. For the device
   * that renders it, and for nobody else.
   */
  ended(): Done {
    return this.#control(({ epoch }) => {
      const item = this.#upcoming.after(this.#head(), true);
      return item === null ? ["playback.paused", { epoch }] : this.#advance(item, true);
    });
  }

  /** Back to the start of the item; from there, to what came before it in its context. */
  previous(): Done {
    return this.#control(({ play, playing, position_ms }) => {
      const item = position_ms > BACK_MS ? null : this.#upcoming.before(this.#head());
      return item === null ? ["playback.seeked", { play, position_ms: 0, playing }] : this.#advance(item);
    });
  }

  /** Set how loud a device is, 0 to 1000: the one that plays, when none is given; this one, when nothing does. */
  setVolume(volumePermille: number, { device = this.view?.device ?? this.#me }: { readonly device?: string } = {}): Done {
    const before = this.#state.replicas.own.shown.get(`device/${keyPart(device)}/volume_permille`);
    const volume = (volume_permille: number): Draft =>
      draft("device.volume_changed", { device, volume_permille }, { validMs: this.#validMs(device) });
    return this.#act(
      () => volume(volumePermille),
      (_, mine) => (mine.size > 0 && before !== undefined ? [volume(before.value as number)] : []),
    );
  }

  // --- modes ---

  /** Shuffle the context, or not. `seed` makes the order, 0 to 2^32 - 1; a new one when not given. */
  setShuffle(on: boolean, { seed = drawnSeed() }: { readonly seed?: number } = {}): Done {
    return this.#setMode("shuffle", { on, seed });
  }

  /** Repeat nothing, the item, or the context. */
  setRepeat(repeat: Repeat): Done {
    return this.#setMode("repeat", repeat);
  }

  /** Let playback stop by itself after a while; null takes the timer back. */
  setSleep({ afterMs }: { readonly afterMs: number | null }): Done {
    return this.#setMode("sleep_at_ms", afterMs === null ? null : this.#state.time.nowMs() + afterMs);
  }

  // --- inside ---

  get #me(): string {
    return this.#state.header.device;
  }

  #act(build: () => Draft, restore: Restore | null = null): Done {
    return new Done(this.#state, [this.#state.act(build)], restore);
  }

  /** A command for the session that shows. */
  #control<K extends Kind>(build: (now: PlaybackView) => readonly [K, DataOf<K>]): Done {
    const done = this.#act(() => {
      const now = this.#now();
      const [kind, data] = build(now);
      return draft(kind, data, { validMs: this.#validMs(now.device) });
    });
    this.controls = [...this.controls, ...done.events].slice(-CONTROLS_MAX);
    return done;
  }

  /** How long a command for a device is good: for ever on this one. */
  #validMs(device: string): number | null {
    return device === this.#me ? null : CONTROL_VALID_MS;
  }

  #view(head: Play | null): PlaybackView | null {
    return playbackAt(this.#state.replicas.own.shown, this.#lists.plays(), head, this.#state.time.nowMs());
  }

  #now(): PlaybackView {
    const { view } = this;
    if (view === null) throw new NotFound("nothing was ever played on this account");
    return view;
  }

  #head(): Play {
    const { head } = this;
    if (head === null) throw new NotFound("nothing was ever played on this account");
    return head;
  }

  #item(given: Playable, context: Json): PlayedItem {
    if (typeof given === "object" && isEntry(given)) {
      const isQueued = this.#lists.view(OWN_STREAM, "queue").shows(given.id);
      return playedItem(given, isQueued ? "queue" : "context");
    }
    const item = typeof given === "string" ? { track: given } : given;
    if (typeof item.track !== "string") throw new InvalidEvent(`${JSON.stringify(given)} has no track to play`);
    const { id, from } = item as { readonly id?: Json; readonly from?: Json };
    if (typeof id === "string") return playedItem({ id, item }, from === "queue" ? "queue" : "context");
    const same = this.#upcoming.entries(context).find((entry) => entry.item["track"] === item.track);
    return playedItem({ id: same?.id ?? item.track, item: { ...same?.item, ...item } }, "context");
  }

  /** Open an epoch. One that this device opens without a connection is its own until it can be adopted. */
  #start(device: string, start: Start): Draft {
    const detached = device === this.#me && !this.#isConnected();
    const data = { device, follows: this.#followed(), detached, ...start };
    // A start for another device expires like a control: made in a tunnel, it must not start a room hours later.
    return draft("playback.started", data, { validMs: this.#validMs(device) });
  }

  /** The head that shows; connected, also the live one, so that what either has heard is consumed. */
  #followed(): string[] {
    const plays = this.#lists.plays();
    const heads = [this.head];
    if (this.#isConnected()) heads.push(plays.detachedHead(this.#me), plays.head());
    return [...new Set(heads.flatMap((head) => head?.id ?? []))].slice(0, 2);
  }

  #advance(item: PlayedItem, automatic = false): readonly ["playback.advanced", DataOf<"playback.advanced">] {
    const { id, epoch, generation } = this.#head();
    return ["playback.advanced", { epoch, generation: generation + 1, follows: [id], item, automatic }];
  }

  #setMode<M extends keyof PlaybackModeChanged>(mode: M, value: Required<PlaybackModeChanged>[M]): Done {
    const before = this.#state.replicas.own.shown.get(`mode/${mode}`);
    return this.#act(
      () => draft("playback.mode_changed", { [mode]: value }),
      (_, mine) => (mine.size > 0 && before !== undefined ? [draft("playback.mode_changed", { [mode]: before.value })] : []),
    );
  }
}

function isEntry(given: JsonObject | ItemView): given is ItemView {
  return typeof given["item"] === "object" && typeof given["id"] === "string" && !("track" in given);
}

function drawnSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
