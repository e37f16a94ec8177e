export class Leadership {
    #name;
    #locks;
    #inLine = new AbortController();
    #release = () => undefined;
    #granted = () => undefined;
    constructor(name, locks) {
        this.#name = name;
        this.#locks = locks;
    }
    async tryNow() {
        if (this.#locks === null)
            return null;
        return new Promise((resolve) => void this.#hold({ ifAvailable: true }, resolve));
    }
    next() {
        return new Promise((resolve) => {
            this.#granted = resolve;
            this.#inLine = new AbortController();
            if (this.#locks !== null)
                void this.#hold({ signal: this.#inLine.signal }, (lost) => lost && resolve(lost));
        });
    }
    steal() {
        const granted = this.#granted;
        this.#inLine.abort();
        if (this.#locks === null)
            granted(new AbortController().signal);
        else
            void this.#hold({ steal: true }, (lost) => lost && granted(lost));
    }
    release() {
        this.#inLine.abort();
        this.#release();
    }
    standFor(tab, until) {
        const whileOpen = () => new Promise((resolve) => until.addEventListener("abort", () => resolve()));
        void this.#locks?.request(`${this.#name} ${tab}`, whileOpen);
    }
    whenGone(tab, gone, until) {
        this.#locks?.request(`${this.#name} ${tab}`, { signal: until }, gone).catch(ifNotAborted);
    }
    async #hold(options, held) {
        const lost = new AbortController();
        const whileHeld = (lock) => {
            held(lock === null ? null : lost.signal);
            if (lock === null)
                return undefined;
            return new Promise((resolve) => (this.#release = resolve));
        };
        await this.#locks?.request(this.#name, options, whileHeld).catch(ifNotAborted);
        lost.abort();
    }
}
function ifNotAborted(error) {
    if (!(error instanceof DOMException) || error.name !== "AbortError")
        throw error;
}
