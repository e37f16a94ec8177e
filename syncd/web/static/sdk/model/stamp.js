const COUNTERS = 2 ** 11;
export const STAMP_LENGTH = 21;
const DIGITS = 11;
export const NO_STAMP = "0".repeat(STAMP_LENGTH);
export function ms(t) {
    return Math.floor(t / COUNTERS);
}
export function pack(ms, counter = 0) {
    return ms * COUNTERS + counter;
}
export function digits(n) {
    return n.toString(32).padStart(DIGITS, "0");
}
export function fromDigits(text) {
    return Number.parseInt(text, 32);
}
export function stamp(t, writer) {
    return digits(t) + writer;
}
export function stampT(rank) {
    return fromDigits(rank.slice(0, DIGITS));
}
export function admittedT(t, { now_ms, ahead_ms_max, last_t }) {
    return Math.max(ms(t) > now_ms + ahead_ms_max ? pack(now_ms) : t, last_t + 1);
}
export function isExpired(t, { valid_ms, now_ms }) {
    return valid_ms !== null && now_ms > ms(t) + valid_ms;
}
export class HybridClock {
    last = 0;
    tick(nowMs) {
        this.last = Math.max(this.last + 1, pack(nowMs));
        return this.last;
    }
    receive(t) {
        this.last = Math.max(this.last, t);
    }
}
