import { EMIT_EVENTS_MAX, FRAME_BYTES_MAX } from "../limits.js";
import { canonical, utf8Bytes } from "../model/canonical.js";
const IN_FLIGHT_MAX = EMIT_EVENTS_MAX;
const EMIT_BYTES_MAX = FRAME_BYTES_MAX / 2;
const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 10_000;
export class Sending {
    outbox;
    session;
    rng;
    hasBegun = false;
    #known = [];
    #retries = new Map();
    #notBeforeMs = new Map();
    constructor(outbox, session, rng) {
        this.outbox = outbox;
        this.session = session;
        this.rng = rng;
    }
    begin() {
        const held = this.session.nextSeqs;
        this.#known = [...this.outbox].filter(({ isSaved, pending: { stream, seq } }) => isSaved && seq < (held.get(stream) ?? 1));
        this.hasBegun = true;
    }
    next(nowMs) {
        const batch = [];
        const room = IN_FLIGHT_MAX - this.session.eventsInFlight;
        let size = 0;
        for (const event of this.#knownFirst()) {
            const { stream, seq, data } = event.pending;
            if (this.session.isInFlight(stream, seq))
                continue;
            if (batch.length >= room || !event.isSaved || !this.isOpen(stream, nowMs))
                break;
            size += utf8Bytes(canonical(data));
            if (batch.length > 0 && size > EMIT_BYTES_MAX)
                break;
            batch.push(event);
        }
        return batch;
    }
    isOpen(stream, nowMs) {
        const state = this.session.streams.get(stream);
        const takes = state === "live" || state === "refused";
        return this.hasBegun && takes && nowMs >= (this.#notBeforeMs.get(stream) ?? nowMs);
    }
    leaveNow(events, nowMs) {
        const saved = this.outbox.size - this.outbox.unsaved.size;
        const isFirst = saved === this.session.eventsInFlight && this.#knownFirst() === this.outbox;
        return isFirst && events.every(({ pending }) => this.isOpen(pending.stream, nowMs));
    }
    unavailable(stream, nowMs) {
        const retries = (this.#retries.get(stream) ?? 0) + 1;
        this.#retries.set(stream, retries);
        const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** Math.min(retries - 1, 16));
        this.#notBeforeMs.set(stream, nowMs + delayMs * (0.5 + this.rng() / 2));
    }
    answered(stream) {
        if (this.#retries.delete(stream))
            this.#notBeforeMs.delete(stream);
    }
    waitMs(nowMs) {
        const waits = [...this.#notBeforeMs.values()].filter((untilMs) => untilMs > nowMs).map((untilMs) => untilMs - nowMs);
        return waits.length === 0 ? null : Math.min(...waits);
    }
    #knownFirst() {
        this.#known = this.#known.filter(({ outcome }) => outcome === "pending");
        return this.#known.length > 0 ? this.#known : this.outbox;
    }
}
export function wireEvent({ pending: { stream, seq, t, kind, data, valid_ms } }) {
    return { stream, seq, t, kind, data, valid_ms };
}
