// What orders two writes of one cell: a packed time (42 bits of ms, 11 of counter), then the writer.
// Source: merge.md section 1. The same rules as syncd/model/stamp.py; a shared test compares the two.

const COUNTS_PER_MS = 2048;
export const NO_STAMP = "0".repeat(21);
export const STAMP_LENGTH = 21;

/** The ms part of a packed time. Never `>>`, which has 32 bits in JavaScript. */
export const ms = (t) => Math.floor(t / COUNTS_PER_MS);

/** `T(t)` and `N(n)`: 11 digits of base 32, most significant first. */
export const digits = (n) => n.toString(32).padStart(11, "0");

/** The rank of a register. */
export const stamp = (t, writer) => digits(t) + writer;

/** The time in the first 11 digits of a rank. */
export const stampTime = (rank) => parseInt(rank.slice(0, 11), 32);

/** The clock of one writer; never falls while it lives. */
export class HybridClock {
  constructor(last = 0) {
    this.last = last;
  }

  /** The next time, larger than every one made or received. A counter that overflows carries into the ms by itself. */
  tick(nowMs) {
    this.last = Math.max(this.last + 1, nowMs * COUNTS_PER_MS);
    return this.last;
  }

  /** Take note of an admitted time. */
  receive(t) {
    this.last = Math.max(this.last, t);
  }

  /** Take note of the server's clock. */
  receiveMs(nowMs) {
    this.receive(nowMs * COUNTS_PER_MS);
  }
}

const SAMPLES = 5;

/** The server's clock, measured against one that never jumps: the midpoint of the shortest of the last round trips. */
export class ServerClock {
  #samples = [];

  /** An answer that said `serverMs` came at `receivedMs` to a question of `sentMs`, both of the steady clock. */
  measure(sentMs, receivedMs, serverMs) {
    this.#samples.push({ took: receivedMs - sentMs, offset: serverMs - (sentMs + receivedMs) / 2 });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  /** Before a new connection: what was measured long ago may have drifted. */
  forget() {
    this.#samples = [];
  }

  /** Server time at a moment of the steady clock, whole ms since 1970; null before the first measurement. */
  at(steadyMs) {
    if (this.#samples.length === 0) return null;
    const best = this.#samples.reduce((a, b) => (b.took < a.took ? b : a));
    return Math.round(steadyMs + best.offset);
  }
}
