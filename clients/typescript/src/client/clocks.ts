/**
 * The clocks a device has, and the server's as far as the device knows it.
 *
 * The wall clock may be wrong and may jump; the monotonic clock is steady, but stands still while most machines sleep, and
 * means nothing to the next page. So the server's clock is measured against the monotonic one, and a jump of one against
 * the other begins a new *boot*: readings of two boots are not compared. The wall clock's own offset is kept beside it,
 * for then. Source: merge.md section 1, "Client clock".
 */
import { ClockOffset } from "../model/clock_offset.js";
import { randomText } from "./random.js";

/** How long a measurement may be trusted: quartz drifts by 50 ms in 10 minutes at worst. Then it is made again. */
const STALE_AFTER_MS = 600_000;
/** Two clocks that part by more than this between two looks: the machine slept, or its clock was set. */
const JUMP_MS = 1_000;

/** What a device reads its time from. */
export type DeviceClock = {
  /** Wall clock, ms since the Unix epoch. */
  wallMs(): number;
  /** Whole ms that only rise, from any beginning. */
  monotonicMs(): number;
  /** Names the life of `monotonicMs`: readings of two boots cannot be compared. */
  readonly boot: string;
};

/** The clocks of a page, or of a process. */
export class SystemDeviceClock implements DeviceClock {
  #boot = randomText(16);
  #aheadMs = this.wallMs() - this.monotonicMs();

  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return Math.round(performance.now());
  }

  get boot(): string {
    const aheadMs = this.wallMs() - this.monotonicMs();
    if (Math.abs(aheadMs - this.#aheadMs) > JUMP_MS) this.#boot = randomText(16);
    this.#aheadMs = aheadMs;
    return this.#boot;
  }
}

/** The server's clock, as a device knows it. */
export class ServerTime {
  readonly #clock: DeviceClock;
  readonly #offset = new ClockOffset();
  #wallOffsetMs: number;
  #measuredMs = -Infinity;
  #measuredBoot: string | null = null;
  #boot: string;
  /** When the present boot was noticed: what was asked before is answered in another life of the clock. */
  #bootSinceMs = -Infinity;

  /** `wallOffsetMs`: what the store remembers from an earlier run; 0 when it was never measured. */
  constructor(clock: DeviceClock, wallOffsetMs: number) {
    this.#clock = clock;
    this.#boot = clock.boot;
    this.#wallOffsetMs = wallOffsetMs;
  }

  /** The server's clock now: as measured in this boot, else the wall clock with its last offset. */
  nowMs(): number {
    if (this.#isMeasured) return this.monotonicMs() + this.#offset.offsetMs;
    return Math.max(0, this.wallMs() + this.#wallOffsetMs);
  }

  /**
   * Take note of an answer that came just now to a question asked at `sentMs` of the monotonic clock. One that the machine
   * has slept through says nothing: the clock stood still meanwhile.
   */
  measure(sentMs: number, serverMs: number): void {
    const { boot } = this;
    if (sentMs < this.#bootSinceMs) return;
    if (this.isStale) this.#offset.forget();
    this.#measuredBoot = boot;
    this.#measuredMs = this.monotonicMs();
    this.#offset.measure(sentMs, serverMs, this.#measuredMs);
    this.#wallOffsetMs = this.nowMs() - this.wallMs();
  }

  /** Take over what another tab has measured. */
  follow(wallOffsetMs: number): void {
    if (!this.#isMeasured) this.#wallOffsetMs = wallOffsetMs;
  }

  /** Whether it is time to measure again. */
  get isStale(): boolean {
    return !this.#isMeasured || this.monotonicMs() - this.#measuredMs > STALE_AFTER_MS;
  }

  /** What to add to the wall clock to have the server's. */
  get wallOffsetMs(): number {
    return this.#isMeasured ? this.nowMs() - this.wallMs() : this.#wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  /** The wall clock, uncorrected. */
  wallMs(): number {
    return this.#clock.wallMs();
  }

  /** See `DeviceClock.boot`. */
  get boot(): string {
    const { boot } = this.#clock;
    if (boot !== this.#boot) [this.#boot, this.#bootSinceMs] = [boot, this.monotonicMs()];
    return boot;
  }

  get #isMeasured(): boolean {
    return this.#offset.isMeasured && this.#measuredBoot === this.boot;
  }
}
