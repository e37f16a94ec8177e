import { InvalidEvent } from "../errors.js";
import { isStream } from "../model/ids.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Change } from "./change.js";
import { Replica } from "./replica.js";
export class Replicas {
    account = null;
    #byStream = new Map();
    #watchers = new Set();
    [Symbol.iterator]() {
        return this.#byStream.values();
    }
    get own() {
        return this.get(OWN_STREAM);
    }
    get(name) {
        const stream = this.account !== null && name === `a:${this.account}` ? OWN_STREAM : name;
        const there = this.#byStream.get(stream);
        if (there !== undefined)
            return there;
        if (!isStream(stream)) {
            const allowed = "a stream is a:me or p:<playlist, 16 characters or more>";
            throw new InvalidEvent(`${JSON.stringify(stream.slice(0, 100))} is no stream; ${allowed}`);
        }
        const fresh = new Replica(stream);
        this.#byStream.set(stream, fresh);
        return fresh;
    }
    watch(watcher) {
        this.#watchers.add(watcher);
        return () => this.#watchers.delete(watcher);
    }
    changed(stream, cells, by = null) {
        if (cells.size === 0)
            return;
        const change = new Change(stream, cells, by);
        for (const watcher of [...this.#watchers])
            watcher(change);
    }
}
