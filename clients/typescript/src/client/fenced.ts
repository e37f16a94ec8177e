/**
 * Commands that met a session which had just ended.
 *
 * Somebody presses pause on the phone while somebody else moves playback to the speaker. If the pause is stamped less than
 * two seconds after the move, it was meant for what plays there now, and is made again for it. Source: merge.md section 3.2.
 */
import { NotFound } from "../errors.js";
import { dataOf } from "../model/events.js";
import { ms, stamp, stampT } from "../model/stamp.js";
import type { PlaybackView } from "../model/views/playback.js";
import type { Play } from "../model/views/plays.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { ofFamilies } from "./subscribe.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import type { OwnEvent } from "./own_event.js";
import type { Player } from "./player.js";

/** How long after a session has ended a command still counts for the one that came instead. */
const FENCED_MS = 2_000;

/** Makes such commands again. Call `check` when something came from the server. */
export class Fenced {
  readonly #state: LocalState;
  readonly #lists: Lists;
  readonly #player: Player;
  #isNews = false;

  constructor(state: LocalState, lists: Lists, player: Player) {
    this.#state = state;
    this.#lists = lists;
    this.#player = player;
    const concerns = ofFamilies(OWN_STREAM, "play");
    state.replicas.watch((change) => {
      if (this.#player.controls.length > 0 && concerns(change)) this.#isNews = true;
    });
  }

  /** Look at the last commands, if anything was started or advanced since; each is made again at most once. */
  check(): void {
    if (!this.#isNews) return;
    this.#isNews = false;
    const plays = this.#lists.plays();
    const head = plays.head();
    const start = head === null ? null : plays.startOf(head);
    const { view } = this.#player;
    if (start === null || view === null || view.epoch !== start.id) return;
    const forgottenMs = this.#state.time.nowMs() - 2 * FENCED_MS;
    for (const event of [...this.#player.controls]) {
      const isFenced = this.#epochOf(event) !== start.id && isFencedBy(start, event);
      const isOld = ms(event.event.t) < forgottenMs && event.outcome !== "pending";
      if (isOld || isFenced) this.#player.controls = this.#player.controls.filter((each) => each !== event);
      if (isFenced && !isOld) this.#again(event, view);
    }
  }

  /** Make a command again, unless what it was for is so by now, or was for another item. */
  #again({ event }: OwnEvent, now: PlaybackView): void {
    const player = this.#player;
    const [speed, seeked] = [dataOf(event, "playback.speed_changed"), dataOf(event, "playback.seeked")];
    const advanced = dataOf(event, "playback.advanced");
    if (event.kind === "playback.paused" && now.playing) player.pause();
    else if (event.kind === "playback.resumed" && !now.playing) player.resume();
    else if (speed !== undefined && speed.speed_permille !== now.speed_permille) player.setSpeed(speed.speed_permille);
    else if (seeked !== undefined && this.#itemOf(seeked.play) === now.item.id) player.seek(seeked.position_ms);
    else if (advanced?.automatic === false && this.#itemOf(advanced.follows[0]) === now.item.id) {
      try {
        player.next();
      } catch (error) {
        if (!(error instanceof NotFound)) throw error; // the new session has nothing to go on with
      }
    }
  }

  #epochOf({ event }: OwnEvent): string | undefined {
    const { epoch, play } = event.data as { readonly epoch?: string; readonly play?: string };
    return event.kind === "playback.seeked" && play !== undefined ? this.#lists.plays().get(play)?.epoch : epoch;
  }

  #itemOf(play: string): string | undefined {
    return this.#lists.plays().get(play)?.item.id;
  }
}

/** Whether a command is stamped shortly after a start that another store made. */
function isFencedBy(start: Play, { event, outcome }: OwnEvent): boolean {
  if (outcome === "refused" || outcome === "gone" || start.id.startsWith(`${event.writer}.`)) return false;
  const isLater = stamp(event.t, event.writer) > start.rank;
  return isLater && ms(event.t) - ms(stampT(start.rank)) < FENCED_MS;
}
