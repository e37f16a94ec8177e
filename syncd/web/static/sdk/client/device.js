import { ConfigError, FencedOut, NotReady, NotSettled, StoreBusy, TimedOut, Unavailable } from "../errors.js";
import { CODECS } from "../protocol/codec.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { adoptIfFree } from "./adoption.js";
import { SystemDeviceClock } from "./clocks.js";
import { Engine } from "./engine.js";
import { Face } from "./face.js";
import { onHints } from "./hints.js";
import { IndexedDbStore } from "./indexeddb_store.js";
import { Leadership } from "./leadership.js";
import { LocalState } from "./local_state.js";
import { MemoryStore } from "./memory_store.js";
import { Route } from "./route.js";
import { webSocketConnect } from "./websocket_link.js";
const TIMEOUT_MS = 30_000;
const VERIFY_POLL_MS = 200;
const CLIENT = "syncd-js/0.1.0";
export class Device extends Face {
    #engine;
    #channel;
    #endHints;
    #wasInStep = false;
    constructor(state, parts, { contexts, radio }) {
        super(state, { contexts, radio, isConnected: () => this.connected });
        this.#channel = parts.channel;
        this.#engine = new Engine(state, this.lists, {
            wanted: () => this.wantedStreams(),
            inStep: () => this.#inStep(),
            stepped: () => this.fenced.check(),
            refused: (refusal) => this.tellRefused(refusal),
            presence: (present) => this.tellPresence(present),
        }, parts);
        this.#endHints = onHints(() => this.#engine.look());
    }
    static async open(options) {
        const { url, token, format = "msgpack", client = CLIENT, clock = new SystemDeviceClock(), rng = Math.random } = options;
        if (token === "")
            throw new ConfigError("the token is empty; a device link holds one, see readLink");
        const route = new Route(url);
        const connect = options.connect ?? webSocketConnect(options.WebSocket);
        const codec = CODECS[format];
        const store = await storeOf(options.store);
        const name = store.name === null || typeof BroadcastChannel === "undefined" ? null : `syncd ${store.name}`;
        const channel = name === null ? null : new BroadcastChannel(name);
        const leadership = name === null ? null : new Leadership(name, globalThis.navigator?.locks ?? null);
        const lead = leadership === null ? new AbortController().signal : await leadership.tryNow();
        try {
            const state = await LocalState.open(store, clock);
            const device = new Device(state, { route, client, codec, connect, rng, token, channel, leadership }, options);
            device.#engine.start(lead);
            return device;
        }
        catch (error) {
            channel?.close();
            leadership?.release();
            throw error;
        }
    }
    async close() {
        this.#endHints();
        await this.#engine.stop();
        try {
            await this.local.close();
        }
        catch (error) {
            if (!(error instanceof StoreBusy || error instanceof FencedOut))
                throw error;
        }
        this.#channel?.close();
    }
    async ready(patience = {}) {
        await this.#wait(() => this.#isReady, NotReady, "the device is not in step with the server", patience);
    }
    async settled(patience = {}) {
        await this.#wait(() => this.owed === 0, NotSettled, "own events have no answer yet", patience);
    }
    stored() {
        return this.local.stored();
    }
    until(condition, { timeoutMs = TIMEOUT_MS } = {}) {
        return new Promise((resolve, reject) => {
            const look = () => {
                try {
                    if (!condition())
                        return;
                    end(resolve);
                }
                catch (error) {
                    end(() => reject(error));
                }
            };
            const end = (then) => {
                clearTimeout(timer);
                for (const each of ends)
                    each();
                then();
            };
            const ends = [this.onChange(look), this.onState(look)];
            const late = () => reject(new TimedOut(`it did not come true within ${timeoutMs / 1_000} s`));
            const timer = setTimeout(() => end(late), timeoutMs);
            look();
        });
    }
    async verify(name = OWN_STREAM, { timeoutMs = TIMEOUT_MS } = {}) {
        const { stream } = this.local.replicas.get(name);
        const untilMs = performance.now() + timeoutMs;
        let found = null;
        let why = "not connected";
        while (performance.now() < untilMs && found?.agrees !== true) {
            try {
                const compared = await this.#engine.compare(stream);
                found = { stream, ...compared, agrees: compared.ours === compared.theirs };
            }
            catch (error) {
                if (!(error instanceof Unavailable))
                    throw error;
                why = error.message;
            }
            if (found?.agrees !== true)
                await new Promise((resolve) => setTimeout(resolve, VERIFY_POLL_MS));
        }
        if (found === null)
            throw new Unavailable(`no digest of ${stream} within ${timeoutMs / 1_000} s: ${why}`);
        return found;
    }
    get state() {
        return this.#engine.state;
    }
    get connected() {
        return this.state === "connected";
    }
    get error() {
        return this.#engine.error;
    }
    get holdsSocket() {
        return this.#engine.holdsSocket;
    }
    renew(token) {
        this.#engine.do({ what: "renew", token });
    }
    hurry() {
        this.#engine.look();
    }
    takeAgain(name = OWN_STREAM) {
        this.#engine.do({ what: "take again", stream: this.local.replicas.get(name).stream });
    }
    onState(callback) {
        return this.#engine.onState.add(callback);
    }
    onMessage(callback) {
        return this.#engine.onMessage.add(callback);
    }
    get #isReady() {
        const follows = !this.holdsSocket && this.connected && this.local.replicas.own.cursor !== null;
        return this.#wasInStep || follows;
    }
    #inStep() {
        this.#wasInStep = true;
        adoptIfFree(this.player);
    }
    async #wait(condition, Failed, what, patience) {
        const why = () => (this.error === null ? this.state : `${this.state}, ${this.error.message}`);
        const isHopeless = () => ["login needed", "stopped", "closed"].includes(this.state);
        try {
            await this.until(() => condition() || isHopeless(), patience);
        }
        catch (cause) {
            if (!(cause instanceof TimedOut))
                throw cause;
            throw new Failed(`${what} after ${(patience.timeoutMs ?? TIMEOUT_MS) / 1_000} s: ${why()}`, { cause });
        }
        if (!condition())
            throw new Failed(`${what}: ${why()}`);
    }
}
async function storeOf(store) {
    if (store === undefined)
        return new MemoryStore();
    return typeof store === "string" ? IndexedDbStore.open(store) : store;
}
