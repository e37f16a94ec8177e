/**
 * How far a device's clock is from the server's.
 *
 * One exchange (hello and welcome, ping and pong) tells it up to half the round trip, if the server read its clock in the
 * middle; the exchange with the shortest round trip of the last few errs least. Source: merge.md section 1.
 */

/** Exchanges remembered: enough to meet a quiet moment, few enough that a clock set anew is noticed within the hour. */
const SAMPLES_MAX = 5;

type Sample = { readonly roundTripMs: number; readonly offsetMs: number };

/** The best of the last few measurements. */
export class ClockOffset {
  #samples: Sample[] = [];

  /**
   * Take note of one exchange, in ms: the device's clock when it asked and when it had the answer, the server's as the
   * answer told it. An exchange during which the device's clock was set back says nothing, and is passed over.
   */
  measure(sentMs: number, serverMs: number, receivedMs: number): void {
    const roundTripMs = receivedMs - sentMs;
    if (roundTripMs < 0) return;
    this.#samples.push({ roundTripMs, offsetMs: serverMs - Math.floor((sentMs + receivedMs) / 2) });
    this.#samples = this.#samples.slice(-SAMPLES_MAX);
  }

  /** Drop all measurements: the clock was set, or the device has slept. */
  forget(): void {
    this.#samples = [];
  }

  get isMeasured(): boolean {
    return this.#samples.length > 0;
  }

  /** What to add to the device's clock; 0 while nothing is known. Of equal round trips the latest counts. */
  get offsetMs(): number {
    let best: Sample | undefined;
    for (const sample of this.#samples) {
      if (best === undefined || sample.roundTripMs <= best.roundTripMs) best = sample;
    }
    return best?.offsetMs ?? 0;
  }
}
