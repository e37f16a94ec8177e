export class Outbox {
    #byN = new Map();
    #bySeq = new Map();
    #counts = new Map();
    #unsaved = new Set();
    #formerly = new Map();
    get size() {
        return this.#byN.size;
    }
    [Symbol.iterator]() {
        return this.#byN.values();
    }
    get unsaved() {
        return this.#unsaved;
    }
    get(n) {
        return this.#byN.get(n);
    }
    find(stream, seq) {
        return this.#bySeq.get(`${stream} ${seq}`);
    }
    get streams() {
        return new Set(this.#counts.keys());
    }
    enter(event) {
        const { stream, seq } = event.pending;
        this.#byN.set(event.n, event);
        this.#bySeq.set(`${stream} ${seq}`, event);
        this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
        if (!event.isSaved)
            this.#unsaved.add(event);
    }
    saved(events) {
        for (const event of events) {
            event.isSaved = true;
            this.#unsaved.delete(event);
        }
    }
    remove(event) {
        const { stream, seq } = event.pending;
        this.#byN.delete(event.n);
        this.#bySeq.delete(`${stream} ${seq}`);
        this.#unsaved.delete(event);
        const left = (this.#counts.get(stream) ?? 0) - 1;
        if (left > 0)
            this.#counts.set(stream, left);
        else
            this.#counts.delete(stream);
    }
    takeAll() {
        const all = [...this];
        this.#byN.clear();
        this.#bySeq.clear();
        this.#counts.clear();
        this.#unsaved.clear();
        return all;
    }
    remember(formerId, event) {
        this.#formerly.set(`${event.pending.stream} ${formerId}`, event);
    }
    nowCalled(stream, id) {
        if (this.#formerly.size === 0)
            return id;
        const [writer = "", seq = "", ...rest] = id.split(".");
        let event = `${writer}.${seq}`;
        for (;;) {
            const now = this.#formerly.get(`${stream} ${event}`)?.id;
            if (now === undefined || now === event)
                break;
            event = now;
        }
        return seq === "" ? id : [event, ...rest].join(".");
    }
}
