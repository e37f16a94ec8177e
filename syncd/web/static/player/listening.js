// What the account remembers of listening: how far into an episode, and what was heard. Written by the device that
// sounds: on pause, at the end, when it leaves an item or the page is left, and now and then while it plays; never when
// something is merely opened, which is how other players lose places.

import { bundled } from "./catalog.js";

const NOW_AND_THEN_MS = 60_000;
const HEARD_MS = 5_000; // a play shorter than this is no play
const STEP_MS_MAX = 2_000; // between two measurements; more is a jump, which nobody has heard

export class Listening {
  #account;
  /** @type {{ view: any, positionMs: number, heardMs: number, startedMs: number, reportedMs: number, reportedHeardMs: number, isPlaying: boolean } | null} */
  #now = null;

  /** @param {import("./account.js").Account} account */
  constructor(account) {
    this.#account = account;
    addEventListener("pagehide", this.#leave);
  }

  #leave = () => this.#report({});

  /** Where the sound is; asked about once a second. */
  sounds(view, positionMs, isPlaying) {
    let now = this.#now;
    if (now === null || now.view.play !== view.play) {
      this.left();
      now = this.#now = { view, positionMs, heardMs: 0, startedMs: view.as_of_ms, reportedMs: positionMs, reportedHeardMs: 0, isPlaying };
    }
    const step = positionMs - now.positionMs;
    const jumped = step < 0 || step > STEP_MS_MAX * 2;
    if (!jumped && isPlaying) now.heardMs += step;
    const paused = now.isPlaying && !isPlaying;
    Object.assign(now, { view, positionMs, isPlaying });
    if (paused || jumped || Math.abs(positionMs - now.reportedMs) >= NOW_AND_THEN_MS) this.#report({});
    else if (now.reportedHeardMs === 0 && now.heardMs >= HEARD_MS) this.#reportPlay({});
  }

  /** The item came to its natural end. */
  ended(view) {
    const now = this.#now;
    if (now === null || now.view.play !== view.play) return;
    now.positionMs = view.duration_ms ?? now.positionMs;
    this.#report({ finished: true });
    this.#now = null;
  }

  /** Something else sounds, or nothing. */
  left() {
    if (this.#now === null) return;
    this.#report({ skipped: this.#now.heardMs < NOW_AND_THEN_MS / 2 });
    this.#now = null;
  }

  close() {
    removeEventListener("pagehide", this.#leave);
  }

  #report({ finished = false, skipped = false }) {
    const now = this.#now;
    if (now === null) return;
    const { track } = now.view.item;
    const episode = bundled(track)?.episode;
    if (episode && (now.heardMs > 0 || finished) && (finished || now.positionMs !== now.reportedMs)) {
      now.reportedMs = now.positionMs;
      const durationMs = bundled(track).duration_ms;
      this.#account.act("", ({ progress }) => progress.listened(track, now.positionMs, { durationMs, finished }));
    }
    this.#reportPlay({ skipped });
  }

  #reportPlay({ skipped = false }) {
    const now = this.#now;
    if (now === null || now.heardMs < HEARD_MS || now.heardMs === now.reportedHeardMs || this.#account.device.settings.get("private_session")) return;
    now.reportedHeardMs = now.heardMs;
    const { play, item } = now.view;
    const report = { startedMs: now.startedMs, listenedMs: now.heardMs, context: null, skipped };
    this.#account.act("", ({ history }) => history.played(play, item.track, report));
  }
}
