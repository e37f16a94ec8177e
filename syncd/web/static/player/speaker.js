// The part of this device that makes the sound. It obeys `device.renderer` and nobody else: what people press becomes an
// event, and the event comes back here as what is wanted. Of several tabs of one device the one that was last told to
// play sounds; a Web Lock says which.

import { PLAYBACK } from "./account.js";
import { soundOf } from "./source.js";

const GAP_MS = 700; // the place of the sound and the place that is wanted: further apart, and the sound jumps
const MEASURE_MS = 1_000;

/**
 * Attributes:
 *   playing: {play, track, context, position_ms, ended} of what sounds here; null while nothing does.
 *   isBlocked: the browser waits for a press on the page before it lets it sound.
 */
export class Speaker {
  isBlocked = false;
  #account;
  #lock;
  #audio = new Audio();
  #hasLock = false;
  /** @type {AbortController | null} */
  #waiting = null;
  /** @type {(value?: unknown) => void} */
  #release = () => {};
  #play = null;
  #isLoading = false;
  #isClosed = false;
  #ends;

  /**
   * @param {import("./account.js").Account} account - whose device this is.
   * @param name - of the device's store: its tabs share one lock.
   * @param listening - hears `sounds(view, positionMs)` about once a second and `ends(view)`; see listening.js.
   */
  constructor(account, name, listening) {
    this.#account = account;
    this.#lock = `${name} sound`;
    this.listening = listening;
    const measure = setInterval(() => this.#measure(), MEASURE_MS);
    const retry = () => this.isBlocked && this.#start();
    addEventListener("pointerup", retry);
    addEventListener("keyup", retry);
    this.#ends = [
      account.watch([...PLAYBACK, "state"], () => this.follow()),
      () => clearInterval(measure),
      () => removeEventListener("pointerup", retry),
      () => removeEventListener("keyup", retry),
    ];
    this.#audio.addEventListener("ended", () => this.#ended());
    for (const event of ["waiting", "playing", "seeked"]) this.#audio.addEventListener(event, () => this.#measure());
    void this.#hold({});
  }

  /** Let this tab be the one that sounds. */
  claim() {
    if (!this.#hasLock) void this.#hold({ steal: true });
  }

  close() {
    this.#isClosed = true;
    for (const end of this.#ends) end();
    this.#waiting?.abort();
    this.#stop();
    this.#release();
  }

  /** Do what is wanted now. */
  follow() {
    const wanted = this.#isMine ? this.#account.device.renderer.wanted : null;
    if (wanted === null) {
      this.#stop();
      return;
    }
    if (wanted.play !== this.#play) {
      void this.#load(wanted);
      return;
    }
    if (this.#isLoading) return;
    const audio = this.#audio;
    audio.playbackRate = wanted.speed_permille / 1_000;
    audio.volume = this.#volume;
    if (Math.abs(wanted.position_ms - audio.currentTime * 1_000) > GAP_MS && !wanted.buffering) audio.currentTime = wanted.position_ms / 1_000;
    if (!wanted.playing && !audio.paused) audio.pause();
    if (wanted.playing && audio.paused && !audio.ended) this.#start();
  }

  /** Whether this tab is the one that sounds. Plain http from another machine has no locks: then who has the socket does. */
  get #isMine() {
    return navigator.locks ? this.#hasLock : this.#account.device.holdsSocket;
  }

  get #volume() {
    const { deviceId, devices } = this.#account.device;
    const permille = devices.find(({ device }) => device === deviceId)?.volume_permille ?? 1_000;
    return (permille / 1_000) ** 2; // ears hear ratios
  }

  async #load(wanted) {
    this.#stop();
    this.#play = wanted.play;
    this.#isLoading = true;
    this.#account.device.renderer.measured(wanted.position_ms, { buffering: true });
    const url = await soundOf(wanted.item.track);
    const now = this.#isMine ? this.#account.device.renderer.wanted : null;
    if (now?.play !== wanted.play || this.#isClosed) return; // something else is wanted by now
    this.#isLoading = false;
    if (url === null) {
      this.#account.act("That file is on another device", (device) => device.pause());
      return;
    }
    this.#audio.src = url;
    this.#audio.currentTime = now.position_ms / 1_000;
    this.follow();
    this.#measure();
  }

  #start() {
    this.#audio.play().then(
      () => this.#setBlocked(false),
      (error) => {
        if (error.name === "NotAllowedError") this.#setBlocked(true);
        else if (error.name !== "AbortError") throw error; // an abort is a pause that came before the sound
      },
    );
  }

  #setBlocked(isBlocked) {
    if (this.isBlocked === isBlocked) return;
    this.isBlocked = isBlocked;
    this.#account.tell("sound");
  }

  #stop() {
    if (this.#play === null) return;
    this.#play = null;
    this.#isLoading = false;
    this.#audio.pause();
    this.#audio.removeAttribute("src");
    this.#setBlocked(false);
    this.listening.left();
  }

  #measure() {
    const { renderer } = this.#account.device;
    const wanted = this.#play === null || !this.#isMine ? null : renderer.wanted;
    if (wanted === null || wanted.play !== this.#play) return;
    if (this.#isLoading) return;
    const positionMs = Math.round(this.#audio.currentTime * 1_000);
    const waits = this.#audio.readyState < HTMLMediaElement.HAVE_FUTURE_DATA || (wanted.playing && this.isBlocked);
    renderer.measured(positionMs, { buffering: waits && !this.#audio.ended });
    this.listening.sounds(wanted, positionMs, !this.#audio.paused);
  }

  #ended() {
    const { renderer } = this.#account.device;
    if (!this.#isMine || renderer.wanted?.play !== this.#play) return;
    this.listening.ended(renderer.wanted);
    this.#account.act("", () => renderer.ended());
  }

  /** Wait in line for the lock, or take it from whoever has it; when it is taken from us, wait in line again. */
  async #hold(options) {
    if (!navigator.locks) return;
    this.#waiting?.abort();
    this.#waiting = options.steal ? null : new AbortController();
    try {
      await navigator.locks.request(this.#lock, this.#waiting ? { signal: this.#waiting.signal } : options, () => {
        this.#hasLock = true;
        this.follow();
        return new Promise((release) => {
          this.#release = release;
        });
      });
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      if (!this.#hasLock || this.#isClosed) return;
      this.#hasLock = false;
      this.follow();
      void this.#hold({});
    }
  }
}
