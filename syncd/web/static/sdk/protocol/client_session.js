import { UnexpectedMessage } from "../errors.js";
import { fold } from "../model/cells.js";
export const OWN_STREAM = "a:me";
export const ANSWER_TIMEOUT_MS = 10_000;
export class ClientSession {
    codec;
    streams = new Map();
    nextSeqs = new Map();
    account = null;
    #state = "opening";
    #events = new Map();
    #questions = new Map();
    #aside = new Map();
    constructor(codec) {
        this.codec = codec;
    }
    get state() {
        return this.#state;
    }
    hello(hello, nowMs) {
        this.#state = "greeting";
        for (const { stream } of hello.streams)
            this.streams.set(stream, "asked");
        return this.#ask({ type: "hello", ...hello }, "hello", "", nowMs);
    }
    emit(events, nowMs) {
        for (const { stream, seq } of events) {
            this.#events.set(`${stream} ${seq}`, { what: "event", stream, seq, atMs: nowMs });
        }
        return this.codec.encode({ type: "emit", events });
    }
    subscribe(claim, nowMs) {
        this.streams.set(claim.stream, "asked");
        return this.#ask({ type: "subscribe", ...claim }, "subscribe", claim.stream, nowMs);
    }
    unsubscribe(stream) {
        this.streams.delete(stream);
        this.#aside.delete(stream);
        return this.codec.encode({ type: "unsubscribe", stream });
    }
    ping(sentMs, nowMs) {
        return this.#ask({ type: "ping", sent_ms: sentMs }, "ping", String(sentMs), nowMs);
    }
    digest(stream, nowMs) {
        return this.#ask({ type: "digest", stream }, "digest", stream, nowMs);
    }
    receive(payload) {
        const read = this.codec.decode(payload);
        if (read === null)
            return null;
        const message = this.#named(read);
        if (this.#state === "greeting" && message.type !== "welcome" && message.type !== "error") {
            throw new UnexpectedMessage(`${message.type} before the welcome`);
        }
        switch (message.type) {
            case "welcome":
                return this.#welcomed(message);
            case "snapshot":
                return this.#assemble(message);
            case "delta":
                return this.#delta(message);
            case "ack":
                return this.#acked(message);
            case "nack":
                this.#nacked(message);
                return message;
            case "subscribed":
                this.#questions.delete(`subscribe ${message.stream}`);
                this.#resumes(message);
                return message;
            case "unsubscribed":
            case "error":
                this.#refused(message);
                return message;
            case "digest":
                this.#questions.delete(`digest ${message.stream}`);
                return message;
            case "pong":
                this.#questions.delete(`ping ${message.sent_ms}`);
                return message;
            default:
                return message;
        }
    }
    confirm(stream, cells) {
        const assembly = this.#aside.get(stream);
        if (assembly !== undefined)
            fold(assembly.cells, cells);
    }
    close() {
        this.#state = "closed";
        this.#events.clear();
        this.#questions.clear();
        this.#aside.clear();
    }
    overdue(nowMs) {
        let oldest = null;
        for (const open of [this.#questions, this.#events]) {
            for (const asked of open.values())
                if (oldest === null || asked.atMs < oldest.atMs)
                    oldest = asked;
        }
        return oldest !== null && nowMs - oldest.atMs > ANSWER_TIMEOUT_MS ? oldest.what : null;
    }
    isInFlight(stream, seq) {
        return this.#events.has(`${stream} ${seq}`);
    }
    get eventsInFlight() {
        return this.#events.size;
    }
    isAssembling(stream) {
        return this.#aside.has(stream);
    }
    #ask(message, what, of, atMs) {
        this.#questions.set(`${what} ${of}`, { what, stream: of, seq: 0, atMs });
        return this.codec.encode(message);
    }
    #named(message) {
        const stream = "stream" in message ? message.stream : null;
        return typeof stream === "string" && this.#own(stream) !== stream
            ? { ...message, stream: this.#own(stream) }
            : message;
    }
    #own(stream) {
        return this.account !== null && stream === `a:${this.account}` ? OWN_STREAM : stream;
    }
    #welcomed(welcome) {
        if (this.#state !== "greeting")
            throw new UnexpectedMessage("a second welcome");
        this.#state = "live";
        this.account = welcome.account;
        this.#questions.delete("hello ");
        const streams = welcome.streams.map((each) => ({ ...each, stream: this.#own(each.stream) }));
        for (const stream of this.streams.keys())
            this.streams.set(stream, "refused");
        for (const each of streams)
            this.#resumes(each);
        return { ...welcome, streams };
    }
    #resumes({ stream, resume, next_seq }) {
        this.streams.set(stream, resume === "tail" ? "live" : "catching up");
        this.nextSeqs.set(stream, next_seq);
    }
    #refused(message) {
        const { stream } = message;
        const answersUs = message.type === "unsubscribed" && typeof message.reason !== "string";
        if (typeof stream !== "string" || answersUs)
            return;
        this.#questions.delete(`subscribe ${stream}`);
        this.#questions.delete(`digest ${stream}`);
        const state = this.streams.get(stream);
        if (state === "asked" || (state !== undefined && message.type === "unsubscribed")) {
            this.streams.set(stream, "refused");
            this.#aside.delete(stream);
        }
    }
    #assemble({ stream, cells, part, last, cursor = null }) {
        if (part === 0) {
            this.#aside.set(stream, { parts: 0, cells: new Map() });
            this.streams.set(stream, "catching up");
        }
        const assembly = this.#aside.get(stream);
        if (assembly === undefined || part !== assembly.parts) {
            throw new UnexpectedMessage(`part ${part} of the snapshot of ${stream}; ${assembly?.parts ?? 0} was expected`);
        }
        assembly.parts++;
        fold(assembly.cells, cellsOf(cells));
        if (!last)
            return null;
        this.#aside.delete(stream);
        this.streams.set(stream, "live");
        return { type: "replaced", stream, cells: assembly.cells, cursor };
    }
    #delta(delta) {
        const assembly = this.#aside.get(delta.stream);
        if (assembly !== undefined) {
            fold(assembly.cells, cellsOf(delta.cells));
            return null;
        }
        if (typeof delta.cursor === "string" && this.streams.get(delta.stream) === "catching up") {
            this.streams.set(delta.stream, "live");
        }
        return delta;
    }
    #acked(ack) {
        const items = itemsOf(ack).map((item) => ({ ...item, stream: this.#own(item.stream) }));
        for (const { stream, seq } of items)
            this.#events.delete(`${stream} ${seq}`);
        return { type: "acked", items };
    }
    #nacked({ stream, seq, reason, expect }) {
        this.#events.delete(`${stream} ${seq}`);
        if (reason !== "gap" && reason !== "unavailable")
            return;
        const behind = expect ?? seq;
        for (const [key, asked] of this.#events) {
            if (asked.stream === stream && asked.seq >= behind)
                this.#events.delete(key);
        }
    }
}
function itemsOf({ stream, writer, seq, t, seen = false, cursor = null, acks }) {
    if (acks !== undefined && acks !== null)
        return acks;
    if (typeof stream !== "string" || typeof writer !== "string" || typeof seq !== "number" || typeof t !== "number") {
        throw new UnexpectedMessage("an ack has stream, writer, seq and t, or acks");
    }
    return [{ stream, writer, seq, t, seen, cursor }];
}
export function cellsOf(wire) {
    const cells = new Map();
    fold(cells, wire.map(([key, rank, value]) => [key, { rank, value }]));
    return cells;
}
