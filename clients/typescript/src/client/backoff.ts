/** When to try again. */

/** Before the second try, in ms; the first one comes at once, since most breaks are short. */
const DELAY_MS_FIRST = 500;
/** However long a server is away, its devices are back half a minute after it. */
const DELAY_MS_MAX = 30_000;
/** A connection that lived this long proves that the server takes us: trying begins anew. */
const STEADY_MS = 5_000;

/** Delays that double from try to try, each drawn from its upper half, so that devices do not come in step. */
export class Backoff {
  #tries = 0;

  /** `rng`: 0 up to but not including 1. */
  constructor(readonly rng: () => number) {}

  /** How long to wait before the next try, in ms. */
  nextMs(): number {
    this.#tries++;
    if (this.#tries === 1) return 0;
    const delayMs = Math.min(DELAY_MS_MAX, DELAY_MS_FIRST * 2 ** Math.min(this.#tries - 2, 16));
    return delayMs * (0.5 + this.rng() / 2);
  }

  /** A connection has ended that had been live for so long. */
  steady(livedMs: number): void {
    if (livedMs >= STEADY_MS) this.#tries = 0;
  }
}
