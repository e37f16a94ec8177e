import { ClockOffset } from "../model/clock_offset.js";
import { randomText } from "./random.js";
const STALE_AFTER_MS = 600_000;
const JUMP_MS = 1_000;
export class SystemDeviceClock {
    #boot = randomText(16);
    #aheadMs = this.wallMs() - this.monotonicMs();
    wallMs() {
        return Date.now();
    }
    monotonicMs() {
        return Math.round(performance.now());
    }
    get boot() {
        const aheadMs = this.wallMs() - this.monotonicMs();
        if (Math.abs(aheadMs - this.#aheadMs) > JUMP_MS)
            this.#boot = randomText(16);
        this.#aheadMs = aheadMs;
        return this.#boot;
    }
}
export class ServerTime {
    #clock;
    #offset = new ClockOffset();
    #wallOffsetMs;
    #measuredMs = -Infinity;
    #measuredBoot = null;
    #boot;
    #bootSinceMs = -Infinity;
    constructor(clock, wallOffsetMs) {
        this.#clock = clock;
        this.#boot = clock.boot;
        this.#wallOffsetMs = wallOffsetMs;
    }
    nowMs() {
        if (this.#isMeasured)
            return this.monotonicMs() + this.#offset.offsetMs;
        return Math.max(0, this.wallMs() + this.#wallOffsetMs);
    }
    measure(sentMs, serverMs) {
        const { boot } = this;
        if (sentMs < this.#bootSinceMs)
            return;
        if (this.isStale)
            this.#offset.forget();
        this.#measuredBoot = boot;
        this.#measuredMs = this.monotonicMs();
        this.#offset.measure(sentMs, serverMs, this.#measuredMs);
        this.#wallOffsetMs = this.nowMs() - this.wallMs();
    }
    follow(wallOffsetMs) {
        if (!this.#isMeasured)
            this.#wallOffsetMs = wallOffsetMs;
    }
    get isStale() {
        return !this.#isMeasured || this.monotonicMs() - this.#measuredMs > STALE_AFTER_MS;
    }
    get wallOffsetMs() {
        return this.#isMeasured ? this.nowMs() - this.wallMs() : this.#wallOffsetMs;
    }
    monotonicMs() {
        return this.#clock.monotonicMs();
    }
    wallMs() {
        return this.#clock.wallMs();
    }
    get boot() {
        const { boot } = this.#clock;
        if (boot !== this.#boot)
            [this.#boot, this.#bootSinceMs] = [boot, this.monotonicMs()];
        return boot;
    }
    get #isMeasured() {
        return this.#offset.isMeasured && this.#measuredBoot === this.boot;
    }
}
