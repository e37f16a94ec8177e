import { ConfigError, FencedOut, LinkClosed, OtherAccount, ProtocolError, SyncdError, Unauthenticated, WriterLost, } from "../errors.js";
import { dutyAfter } from "../protocol/close_codes.js";
import { Backoff } from "./backoff.js";
import { Conversation } from "./conversation.js";
import { Reissue } from "./reissue.js";
export class Connector {
    state = "standby";
    error = null;
    conversation = null;
    #parts;
    #backoff;
    #token;
    #withWriter = true;
    #goOn = () => undefined;
    constructor(parts, token) {
        this.#parts = parts;
        this.#token = token;
        this.#backoff = new Backoff(parts.rng);
    }
    async run(signal) {
        const leave = () => {
            this.conversation?.stop(new Left());
            this.#goOn();
        };
        signal.addEventListener("abort", leave);
        try {
            while (!signal.aborted && (await this.#once(signal)))
                ;
        }
        finally {
            signal.removeEventListener("abort", leave);
            if (signal.aborted)
                this.state = "standby";
        }
    }
    get token() {
        return this.#token;
    }
    renew(token) {
        this.#token = token;
        if (this.state !== "login needed")
            return;
        this.become("connecting");
        this.#goOn();
    }
    hurry() {
        if (this.state === "offline")
            this.#goOn();
    }
    caughtUp() {
        if (this.state === "connecting")
            this.become("connected");
    }
    become(state, error = this.error) {
        if (state === this.state && error === this.error)
            return;
        this.state = state;
        this.error = error;
        this.#parts.onState();
    }
    async #once(signal) {
        this.become("connecting");
        const conversation = this.#conversation();
        this.conversation = conversation;
        const { route, codec, connect, client } = this.#parts;
        try {
            const url = await route.next(this.#token);
            if (signal.aborted)
                return false;
            const hello = { token: this.#token, client, withWriter: this.#withWriter };
            return await conversation.run((listener) => connect(url, codec, listener), hello);
        }
        catch (error) {
            if (signal.aborted || error instanceof Left)
                return false;
            if (error instanceof FencedOut || !(error instanceof SyncdError))
                throw error;
            this.#learn(conversation);
            return await this.#after(error, conversation);
        }
        finally {
            this.conversation = null;
        }
    }
    #conversation() {
        const { local, lists, codec, listener, rng } = this.#parts;
        return new Conversation(local, new Reissue(local, lists), codec, listener, rng);
    }
    #learn({ livedMs, drain }) {
        if (livedMs !== null) {
            this.#withWriter = true;
            this.#backoff.steady(livedMs);
            this.#parts.route.worked();
        }
        if (drain !== null)
            this.#parts.route.advise(drain.url ?? null);
    }
    async #after(error, { drain, drainWaitMs }) {
        this.conversation = null;
        if (error instanceof OtherAccount || error instanceof ConfigError)
            return this.#stop(error);
        if (error instanceof WriterLost)
            this.#withWriter = false;
        switch (error instanceof LinkClosed ? dutyAfter(error.close) : "resume") {
            case "stay_away":
                return this.#stop(new ProtocolError(error.message));
            case "renew_login":
                this.become("login needed", new Unauthenticated(error.message));
                await this.#pause(null);
                return true;
            case "renew_writer":
                this.#withWriter = false;
                this.#dropCursors();
                break;
            case "snapshot":
                this.#dropCursors();
                break;
            case "resume":
                break;
        }
        this.become("offline", error);
        await this.#pause(drain === null ? this.#backoff.nextMs() : drainWaitMs);
        return true;
    }
    #stop(error) {
        this.become("stopped", error);
        return false;
    }
    #dropCursors() {
        for (const { stream } of this.#parts.local.replicas)
            this.#parts.local.dropCursor(stream);
    }
    #pause(delayMs) {
        return new Promise((resolve) => {
            const timer = delayMs === null ? null : setTimeout(resolve, delayMs);
            this.#goOn = () => {
                if (timer !== null)
                    clearTimeout(timer);
                resolve();
            };
        });
    }
}
class Left extends Error {
}
