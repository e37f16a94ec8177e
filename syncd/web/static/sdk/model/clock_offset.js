const SAMPLES_MAX = 5;
export class ClockOffset {
    #samples = [];
    measure(sentMs, serverMs, receivedMs) {
        const roundTripMs = receivedMs - sentMs;
        if (roundTripMs < 0)
            return;
        this.#samples.push({ roundTripMs, offsetMs: serverMs - Math.floor((sentMs + receivedMs) / 2) });
        this.#samples = this.#samples.slice(-SAMPLES_MAX);
    }
    forget() {
        this.#samples = [];
    }
    get isMeasured() {
        return this.#samples.length > 0;
    }
    get offsetMs() {
        let best;
        for (const sample of this.#samples) {
            if (best === undefined || sample.roundTripMs <= best.roundTripMs)
                best = sample;
        }
        return best?.offsetMs ?? 0;
    }
}
