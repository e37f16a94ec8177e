/**
 * The part of a device that makes the sound: what to play now, and what to tell the others about it.
 *
 * The contract (merge.md section 3.2): play only while `wanted` says so, and stop within one delta of losing it; call
 * `measured` as often as you like, about once a second, and `ended` at the natural end of an item. Reports and automatic
 * advances come from here alone, so that no two devices make them.
 */
import { sameCell } from "../model/cells.js";
import type { PlaybackView } from "../model/views/playback.js";
import { answersTo, commandsOf } from "../model/views/sounding.js";
import { Done } from "./done.js";
import { draft } from "./draft.js";
import type { LocalState } from "./local_state.js";
import type { Player } from "./player.js";

/** What is heard and what the others reckon may differ by this much before it is reported. */
const DRIFT_MS = 300;
/** Items longer than this are reported now and then, because small drifts add up. */
const LONG_ITEM_MS = 600_000;
/** How often. */
const REPORT_MS = 60_000;

type Answers = readonly [string, string];
/** A report: the commands it answered, what it said, and when (server time). */
type Reported = { readonly answers: Answers; readonly buffering: boolean; readonly atMs: number };

export class Renderer {
  readonly #state: LocalState;
  readonly #player: Player;
  #last: Reported | null = null;

  constructor(state: LocalState, player: Player) {
    this.#state = state;
    this.#player = player;
  }

  /** What this device has to render, playing or paused; null when it is not the one. */
  get wanted(): PlaybackView | null {
    const { view } = this.#player;
    return view?.device === this.#state.header.device ? view : null;
  }

  /**
   * Tell where the sound really is. Reports it to the others if that is worth an event: when a command begins to be obeyed,
   * when buffering begins or ends, on drift, and now and then in a long item.
   *
   * @returns The report; null when none was due.
   */
  measured(positionMs: number, { buffering = false }: { readonly buffering?: boolean } = {}): Done | null {
    const view = this.wanted;
    const answers = view === null ? null : this.#answers(view);
    if (view === null || answers === null || !this.#isDue(view, answers, positionMs, buffering)) return null;
    this.#last = { answers, buffering, atMs: view.as_of_ms };
    const report = { play: view.play, position_ms: positionMs, buffering, answers };
    return new Done(this.#state, [this.#state.make(draft("playback.reported", report))]);
  }

  /** The item came to its natural end: go on with the next one. null when this device is not the one. */
  ended(): Done | null {
    return this.wanted === null ? null : this.#player.ended();
  }

  #isDue(view: PlaybackView, answers: Answers, positionMs: number, buffering: boolean): boolean {
    const last = this.#last;
    if (last === null || last.answers.join() !== answers.join() || last.buffering !== buffering) return true;
    if (!view.playing || buffering) return false;
    const isLong = view.duration_ms !== null && view.duration_ms > LONG_ITEM_MS;
    return Math.abs(positionMs - view.position_ms) > DRIFT_MS || (isLong && view.as_of_ms - last.atMs >= REPORT_MS);
  }

  /** The ranks of the commands that stand; null while one of them is pending, since its rank may still change. */
  #answers({ play, epoch, device }: PlaybackView): Answers | null {
    const { shown, confirmed } = this.#state.replicas.own;
    const keys = [`play/${play}`, `play/${epoch}`, `play_at/${play}`, `play_on/${epoch}`, `play_off/${epoch}`];
    if (!keys.every((key) => sameCell(shown.get(key), confirmed.get(key)))) return null;
    const head = this.#player.head;
    return head?.id === play ? answersTo(commandsOf(confirmed, head, device)) : null;
  }
}
