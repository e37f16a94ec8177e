/**
 * What orders two writes of one cell: a hybrid logical clock in 53 bits, then the writer.
 *
 * A time `t` packs 42 bits of ms since the Unix epoch and 11 bits of counter. It is at most 2^53 - 1, so a number holds
 * it exactly; but `>>` would cut it to 32 bits, so it is taken apart by division. Source: merge.md section 1.
 */

const COUNTERS = 2 ** 11;
/** 11 digits of time and 10 of writer. */
export const STAMP_LENGTH = 21;
const DIGITS = 11;
/** Stands where a cell is answered that does not exist; smaller than every real stamp. */
export const NO_STAMP = "0".repeat(STAMP_LENGTH);

/** The ms part of a packed time. */
export function ms(t: number): number {
  return Math.floor(t / COUNTERS);
}

/** A packed time; a counter of 2048 and more carries into the ms. */
export function pack(ms: number, counter = 0): number {
  return ms * COUNTERS + counter;
}

/** `T(t)` and `N(n)`: 11 digits of base 32, most significant first; n is 0 to 2^53 - 1. */
export function digits(n: number): string {
  return n.toString(32).padStart(DIGITS, "0");
}

/** The inverse of `digits`. */
export function fromDigits(text: string): number {
  return Number.parseInt(text, 32);
}

/** The rank of a register: time, then writer. */
export function stamp(t: number, writer: string): string {
  return digits(t) + writer;
}

/** The time in the first 11 digits of a rank. */
export function stampT(rank: string): number {
  return fromDigits(rank.slice(0, DIGITS));
}

/** What a gateway makes of a time: one from the future is clamped to now, and a writer's times only rise. */
export function admittedT(
  t: number,
  { now_ms, ahead_ms_max, last_t }: { now_ms: number; ahead_ms_max: number; last_t: number },
): number {
  return Math.max(ms(t) > now_ms + ahead_ms_max ? pack(now_ms) : t, last_t + 1);
}

/** Whether a control comes too late to be obeyed. Events without `valid_ms` never do. */
export function isExpired(t: number, { valid_ms, now_ms }: { valid_ms: number | null; now_ms: number }): boolean {
  return valid_ms !== null && now_ms > ms(t) + valid_ms;
}

/** The clock of one writer; never falls while it lives. */
export class HybridClock {
  /** The largest time made or received. */
  last = 0;

  /** The next time, larger than every one made or received before. A full counter carries into the ms. */
  tick(nowMs: number): number {
    this.last = Math.max(this.last + 1, pack(nowMs));
    return this.last;
  }

  /** Take note of an admitted time. */
  receive(t: number): void {
    this.last = Math.max(this.last, t);
  }
}
