import { ofFamilies, subscribe } from "./subscribe.js";
export class KeptView {
    state;
    stream;
    families;
    read;
    #concerns;
    #kept = null;
    constructor(state, stream, families, read) {
        this.state = state;
        this.stream = stream;
        this.families = families;
        this.read = read;
        this.#concerns = ofFamilies(stream, ...families);
    }
    get() {
        const { shown } = this.state.replicas.get(this.stream);
        const changes = shown.changes(...this.families);
        if (this.#kept?.changes !== changes)
            this.#kept = { changes, view: this.read(shown.of(...this.families)) };
        return this.#kept.view;
    }
    subscribe(callback) {
        return subscribe(this.state, this.#concerns, callback);
    }
}
