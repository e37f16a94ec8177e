const DELAY_MS_FIRST = 500;
const DELAY_MS_MAX = 30_000;
const STEADY_MS = 5_000;
export class Backoff {
    rng;
    #tries = 0;
    constructor(rng) {
        this.rng = rng;
    }
    nextMs() {
        this.#tries++;
        if (this.#tries === 1)
            return 0;
        const delayMs = Math.min(DELAY_MS_MAX, DELAY_MS_FIRST * 2 ** Math.min(this.#tries - 2, 16));
        return delayMs * (0.5 + this.rng() / 2);
    }
    steady(livedMs) {
        if (livedMs >= STEADY_MS)
            this.#tries = 0;
    }
}
