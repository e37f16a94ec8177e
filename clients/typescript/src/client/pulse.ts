/**
 * Whether a connection still stands: what was asked and not answered in time, a server that says nothing, a machine that
 * slept, a gateway that wants to be left.
 *
 * A page does not see the pings of the websocket's own layer, so it asks by messages.
 */
import { LinkClosed } from "../errors.js";
import { ANSWER_TIMEOUT_MS, type ClientSession } from "../protocol/client_session.js";
import { ABNORMAL, DRAINING } from "../schemas/close_codes.js";
import type { ServerTime } from "./clocks.js";

/** How often the clock is looked at. */
const TICK_MS = 1_000;
/** A tick that comes this late means that the machine slept, or the tab did. */
const SLEPT_MS = 15_000;
/** Without a word from the server for so long: ask. */
const SILENT_MS = 20_000;
/** How long the answer to `probe` may take: there is reason to believe that the connection is gone, or a slow network. */
const PROBE_TIMEOUT_MS = 4_000;

export class Pulse {
  /** When the gateway wants to be left, by the monotonic clock. */
  leaveAtMs = Infinity;
  #heardAtMs: number;
  #tickedAtMs = Infinity;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #probing: ReturnType<typeof setTimeout> | undefined;
  #isLive = false;

  /** `ping`: asks the server for its clock. `fail`: called with what ends the connection. */
  constructor(
    readonly session: ClientSession,
    readonly time: ServerTime,
    readonly ping: () => void,
    readonly fail: (error: LinkClosed) => void,
  ) {
    this.#heardAtMs = time.monotonicMs();
  }

  /** Hello was said. */
  start(): void {
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  /** The welcome came: from now on the server answers to pings. */
  live(): void {
    this.#isLive = true;
  }

  /** Something came. */
  heard(): void {
    this.#heardAtMs = this.time.monotonicMs();
    clearTimeout(this.#probing);
    this.#probing = undefined;
  }

  /** Find out now: the network changed, or the page came back. */
  probe(): void {
    if (!this.#isLive || this.#probing !== undefined) return;
    this.#probing = setTimeout(() => this.#lost("ping", PROBE_TIMEOUT_MS), PROBE_TIMEOUT_MS);
    this.ping();
  }

  stop(): void {
    clearInterval(this.#ticking);
    clearTimeout(this.#probing);
  }

  #tick(): void {
    const nowMs = this.time.monotonicMs();
    const overdue = this.session.overdue(nowMs);
    if (overdue !== null) return this.#lost(overdue, ANSWER_TIMEOUT_MS);
    if (nowMs >= this.leaveAtMs) return this.fail(new LinkClosed(DRAINING, "this gateway is going down"));
    const hasSlept = nowMs - this.#tickedAtMs > SLEPT_MS;
    const isSilent = nowMs - this.#heardAtMs > SILENT_MS;
    this.#tickedAtMs = nowMs;
    if (this.#isLive && (this.time.isStale || hasSlept || isSilent)) this.ping();
  }

  #lost(what: string, afterMs: number): void {
    this.fail(new LinkClosed(ABNORMAL, `no answer to ${what} for ${afterMs / 1_000} s`));
  }
}
