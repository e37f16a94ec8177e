import { Unavailable, WriterLost } from "../errors.js";
import { FRAME_BYTES_MAX, SUBSCRIPTIONS_MAX } from "../limits.js";
import { ClientSession, OWN_STREAM } from "../protocol/client_session.js";
import { Flusher } from "./flusher.js";
import { Pulse } from "./pulse.js";
import { Sending, wireEvent } from "./sending.js";
const WAITING_BYTES_MAX = 2 * FRAME_BYTES_MAX;
const DRAIN_POLL_MS = 50;
export class Conversation {
    state;
    reissue;
    codec;
    listener;
    drain = null;
    #session;
    #sending;
    #pulse;
    #flusher;
    #over;
    #end;
    #isOver = false;
    #link = null;
    #login = null;
    #liveSinceMs = 0;
    #helloSentMs = 0;
    #barrierMs = null;
    #isIdentifying = false;
    #isSending = false;
    #wakeUp = null;
    #digests = new Map();
    constructor(state, reissue, codec, listener, rng) {
        this.state = state;
        this.reissue = reissue;
        this.codec = codec;
        this.listener = listener;
        this.#session = new ClientSession(codec);
        this.#sending = new Sending(state.outbox, this.#session, rng);
        this.#pulse = new Pulse(this.#session, state.time, () => void this.#ping(), (lost) => this.#end(lost));
        this.#flusher = new Flusher(state, (error) => this.#end(error));
        this.#over = new Promise((_, reject) => {
            this.#end = (reason) => {
                this.#isOver = true;
                reject(reason);
            };
        });
        this.#over.catch(() => undefined);
    }
    async run(open, hello) {
        try {
            const opening = open({
                message: (payload) => this.#guarded(() => this.#read(payload)),
                closed: (reason) => this.#end(reason),
            });
            void opening.then((link) => (this.#isOver ? link.close() : undefined)).catch(() => undefined);
            this.#link = await Promise.race([opening, this.#over]);
            this.#sayHello(hello.token, hello.client, hello.withWriter);
            this.state.leavesNow = (events) => this.#sending.leaveNow(events, this.#nowMs);
            this.#pulse.start();
            return await this.#over;
        }
        finally {
            this.#isOver = true;
            this.state.leavesNow = () => false;
            this.#pulse.stop();
            this.#flusher.stop();
            clearTimeout(this.#wakeUp ?? undefined);
            this.#session.close();
            this.#link?.close();
            this.#endDigests();
        }
    }
    stop(reason) {
        this.#end(reason);
    }
    wake() {
        this.#guarded(() => this.#step());
    }
    probe() {
        if (!this.#isOver)
            this.#pulse.probe();
    }
    get livedMs() {
        return this.#login === null ? null : this.#nowMs - this.#liveSinceMs;
    }
    get drainWaitMs() {
        return Math.max(0, this.#pulse.leaveAtMs - this.#nowMs);
    }
    get isSending() {
        return this.#sending.hasBegun;
    }
    stateOf(stream) {
        return this.#session.streams.get(stream);
    }
    digest(stream) {
        return new Promise((resolve, reject) => {
            if (this.#isOver || this.stateOf(stream) !== "live") {
                reject(new Unavailable(`stream ${stream} is not in step with the server`));
                return;
            }
            const waiting = this.#digests.get(stream) ?? [];
            this.#digests.set(stream, [...waiting, { resolve, reject }]);
            this.#say(this.#session.digest(stream, this.#nowMs));
        });
    }
    takeAgain(stream) {
        this.state.dropCursor(stream);
        this.#say(this.#session.unsubscribe(stream));
        this.wake();
    }
    #read(payload) {
        this.#pulse.heard();
        const heard = this.#session.receive(payload);
        if (heard !== null) {
            this.#take(heard);
            this.listener.said(heard);
        }
        this.#step();
    }
    #take(heard) {
        switch (heard.type) {
            case "welcome":
                this.#welcomed(heard);
                break;
            case "delta":
                this.state.heard(heard);
                break;
            case "replaced":
                this.state.replaced(heard);
                break;
            case "acked":
                for (const item of heard.items) {
                    const event = this.state.acked(item, this.#session.isAssembling(item.stream));
                    if (event !== null && item.seen !== true)
                        this.#session.confirm(item.stream, event.cells);
                    this.#sending.answered(item.stream);
                }
                break;
            case "nack":
                this.#refused(heard);
                break;
            case "pong":
                this.state.time.measure(heard.sent_ms, heard.now_ms);
                if (heard.sent_ms === this.#barrierMs)
                    this.#barrierMs = null;
                break;
            case "digest":
                for (const { resolve } of this.#digests.get(heard.stream) ?? [])
                    resolve(heard);
                this.#digests.delete(heard.stream);
                break;
            case "drain":
                this.drain = heard;
                this.#pulse.leaveAtMs = this.#nowMs + heard.reconnect_after_ms;
                break;
            default:
        }
        this.#flusher.soon();
    }
    #welcomed({ account, device, writer, now_ms, streams }) {
        this.state.checkAccount(account);
        this.state.time.measure(this.#helloSentMs, now_ms);
        this.#login = { account, device, writer };
        this.#liveSinceMs = this.#nowMs;
        this.#pulse.live();
        const isFresh = this.state.header.writer !== writer;
        const mustKnowAll = (isFresh && this.state.outbox.size > 0) || this.reissue.missesPlaces();
        if (mustKnowAll && streams.some(({ resume }) => resume === "tail")) {
            this.#barrierMs = this.#ping();
        }
    }
    #refused(nack) {
        const { stream, reason, expect = null } = nack;
        switch (reason) {
            case "gap":
                if (this.state.outbox.streams.has(stream) && this.state.outbox.find(stream, expect ?? 0) === undefined) {
                    throw new WriterLost(`the server expects ${stream} ${expect}, which is not held any more`);
                }
                break;
            case "unavailable":
                this.#sending.unavailable(stream, this.#nowMs);
                break;
            case "revoked":
                this.#sending.hasBegun = false;
                break;
            default: {
                const refusal = this.reissue.refused(nack);
                if (refusal !== null)
                    this.listener.refused(refusal);
            }
        }
    }
    #sayHello(token, client, withWriter) {
        const { nonce, writer, account } = this.state.header;
        const streams = this.#wanted().map((stream) => this.#claim(stream));
        this.#helloSentMs = this.state.time.monotonicMs();
        const named = withWriter ? (account === null ? { proposal: writer } : { writer }) : {};
        const hello = { token, nonce, client, now_ms: this.state.time.wallMs(), streams, ...named };
        this.#say(this.#session.hello(hello, this.#nowMs));
    }
    #claim(stream) {
        const { cursor, lastSeq } = this.state.replicas.get(stream);
        return { stream, cursor, last_seq: lastSeq === 0 ? null : lastSeq };
    }
    #wanted() {
        const owed = [...this.state.outbox.streams].sort();
        return [...new Set([OWN_STREAM, ...owed, ...this.listener.wanted()])].slice(0, SUBSCRIPTIONS_MAX);
    }
    #step() {
        if (this.#login === null || this.#isOver)
            return;
        this.#subscribe();
        if (this.#sending.hasBegun)
            void this.#send();
        else if (!this.#isIdentifying && this.#barrierMs === null && this.#isOwedInStep)
            void this.#identify(this.#login);
        this.listener.stepped();
    }
    get #isOwedInStep() {
        return [...this.state.outbox.streams].every((stream) => ["live", "refused"].includes(this.stateOf(stream) ?? ""));
    }
    #subscribe() {
        const wanted = new Set(this.#wanted());
        for (const stream of wanted) {
            if (this.stateOf(stream) === undefined)
                this.#say(this.#session.subscribe(this.#claim(stream), this.#nowMs));
        }
        for (const stream of [...this.#session.streams.keys()]) {
            if (!wanted.has(stream))
                this.#say(this.#session.unsubscribe(stream));
        }
    }
    async #identify(login) {
        this.#isIdentifying = true;
        try {
            await this.state.identify(login);
            if (this.#isOver)
                return;
            for (const refusal of this.reissue.rehome())
                this.listener.refused(refusal);
            this.#sending.begin();
            this.#step();
        }
        catch (error) {
            this.#end(error);
        }
        finally {
            this.#isIdentifying = false;
        }
    }
    async #send() {
        if (this.#isSending)
            return;
        this.#isSending = true;
        try {
            for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
                await this.state.markSent(batch);
                if (this.#isOver)
                    return;
                const events = batch.filter((event) => this.state.outbox.get(event.n) === event).map(wireEvent);
                if (events.length > 0)
                    this.#say(this.#session.emit(events, this.#nowMs));
            }
            this.#wakeIn(this.#isFull ? DRAIN_POLL_MS : this.#sending.waitMs(this.#nowMs));
        }
        catch (error) {
            this.#end(error);
        }
        finally {
            this.#isSending = false;
        }
    }
    #nextBatch() {
        return this.#isFull ? [] : this.#sending.next(this.#nowMs);
    }
    get #isFull() {
        return (this.#link?.waitingBytes ?? 0) > WAITING_BYTES_MAX;
    }
    #ping() {
        const sentMs = this.state.time.monotonicMs();
        this.#say(this.#session.ping(sentMs, this.#nowMs));
        return sentMs;
    }
    #say(payload) {
        this.#link?.send(payload);
    }
    get #nowMs() {
        return this.state.time.monotonicMs();
    }
    #guarded(work) {
        if (this.#isOver)
            return;
        try {
            work();
        }
        catch (error) {
            this.#end(error);
        }
    }
    #wakeIn(delayMs) {
        if (delayMs === null || this.#isOver)
            return;
        clearTimeout(this.#wakeUp ?? undefined);
        this.#wakeUp = setTimeout(() => this.wake(), delayMs);
    }
    #endDigests() {
        const ended = new Unavailable("the connection ended before the server told its digest");
        for (const { reject } of [...this.#digests.values()].flat())
            reject(ended);
        this.#digests.clear();
    }
}
