import { LinkClosed } from "../errors.js";
import { ANSWER_TIMEOUT_MS } from "../protocol/client_session.js";
import { ABNORMAL, DRAINING } from "../schemas/close_codes.js";
const TICK_MS = 1_000;
const SLEPT_MS = 15_000;
const SILENT_MS = 20_000;
const PROBE_TIMEOUT_MS = 4_000;
export class Pulse {
    session;
    time;
    ping;
    fail;
    leaveAtMs = Infinity;
    #heardAtMs;
    #tickedAtMs = Infinity;
    #ticking;
    #probing;
    #isLive = false;
    constructor(session, time, ping, fail) {
        this.session = session;
        this.time = time;
        this.ping = ping;
        this.fail = fail;
        this.#heardAtMs = time.monotonicMs();
    }
    start() {
        this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    }
    live() {
        this.#isLive = true;
    }
    heard() {
        this.#heardAtMs = this.time.monotonicMs();
        clearTimeout(this.#probing);
        this.#probing = undefined;
    }
    probe() {
        if (!this.#isLive || this.#probing !== undefined)
            return;
        this.#probing = setTimeout(() => this.#lost("ping", PROBE_TIMEOUT_MS), PROBE_TIMEOUT_MS);
        this.ping();
    }
    stop() {
        clearInterval(this.#ticking);
        clearTimeout(this.#probing);
    }
    #tick() {
        const nowMs = this.time.monotonicMs();
        const overdue = this.session.overdue(nowMs);
        if (overdue !== null)
            return this.#lost(overdue, ANSWER_TIMEOUT_MS);
        if (nowMs >= this.leaveAtMs)
            return this.fail(new LinkClosed(DRAINING, "this gateway is going down"));
        const hasSlept = nowMs - this.#tickedAtMs > SLEPT_MS;
        const isSilent = nowMs - this.#heardAtMs > SILENT_MS;
        this.#tickedAtMs = nowMs;
        if (this.#isLive && (this.time.isStale || hasSlept || isSilent))
            this.ping();
    }
    #lost(what, afterMs) {
        this.fail(new LinkClosed(ABNORMAL, `no answer to ${what} for ${afterMs / 1_000} s`));
    }
}
