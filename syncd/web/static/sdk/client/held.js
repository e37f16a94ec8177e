import { StoreBusy } from "../errors.js";
import { pack } from "../model/stamp.js";
import { checkedData } from "../model/validate.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Outbox } from "./outbox.js";
import { OwnEvent } from "./own_event.js";
import { rebase } from "./rebase.js";
import { Replicas } from "./replicas.js";
const UNSAVED_EVENTS_MAX = 10_000;
export class Held {
    replicas = new Replicas();
    outbox = new Outbox();
    #header;
    #lastN = 0;
    #settled = new Set();
    constructor(contents) {
        this.#header = contents.header;
        this.takeAll(contents);
    }
    get header() {
        return this.#header;
    }
    amend(now) {
        this.#header = { ...this.#header, ...now };
    }
    see(t) {
        if (t > this.#header.seen_t)
            this.amend({ seen_t: t });
    }
    leave(epoch) {
        const before = this.#header.left_epoch;
        this.amend({ left_epoch: epoch });
        if (epoch !== before)
            this.#retell(`play/${epoch ?? before}`);
    }
    left(t) {
        if (t > this.#header.sent_t)
            this.amend({ sent_t: t });
    }
    make({ kind, data: given, stream: name, validMs }, time) {
        const replica = this.replicas.get(name);
        const data = checkedData(kind, given, replica.stream);
        if (this.outbox.unsaved.size >= UNSAVED_EVENTS_MAX) {
            throw new StoreBusy(`${UNSAVED_EVENTS_MAX} own events wait for the store, which takes nothing`);
        }
        const { clock_t, seen_t, writer } = this.#header;
        const t = Math.max(clock_t + 1, seen_t + 1, pack(time.nowMs()));
        const event = new OwnEvent(this.#lastN + 1, {
            stream: replica.stream,
            seq: replica.lastSeq + 1,
            t,
            kind,
            data,
            sent: false,
            seen_t,
            wall_ms: time.wallMs(),
            monotonic_ms: time.monotonicMs(),
            boot: time.boot,
            valid_ms: validMs,
        }, writer, false);
        this.#enter(event);
        return event;
    }
    adopt(rows) {
        const fresh = rows.filter(({ n }) => !this.#settled.has(n) && !this.outbox.get(n)?.isSaved);
        if (fresh.some(({ n }, index) => n !== this.#lastN + 1 + index))
            return false;
        for (const row of fresh)
            this.#enter(new OwnEvent(row.n, row, this.#header.writer, true));
        return true;
    }
    sent(events) {
        for (const event of events) {
            this.left(event.event.t);
            event.sent();
        }
    }
    takeBack({ code, message }) {
        const events = [...this.outbox.unsaved].reverse();
        for (const event of events) {
            const { stream, seq } = event.pending;
            this.outbox.remove(event);
            event.outcome = "refused";
            event.refusal = { reason: code, message };
            this.#lastN = event.n - 1;
            const replica = this.replicas.get(stream);
            replica.lastSeq = seq - 1;
            this.replicas.changed(stream, replica.drop(event.n, event.cells));
        }
        return events;
    }
    settle(event, outcome) {
        event.outcome = outcome;
        this.outbox.remove(event);
        this.#settled.add(event.n);
    }
    settleN(n, outcome) {
        const event = this.outbox.get(n);
        if (event?.isSaved) {
            this.settle(event, outcome);
            return event;
        }
        this.#settled.add(n);
        return null;
    }
    get settledCount() {
        return this.#settled.size;
    }
    forgetSettled(ns) {
        for (const n of ns)
            this.#settled.delete(n);
    }
    takeAll(contents) {
        this.#settled.clear();
        this.replicas.account = contents.header.account;
        for (const stream of contents.streams.keys())
            this.replicas.get(stream);
        for (const replica of this.replicas) {
            replica.cursor = contents.streams.get(replica.stream)?.cursor ?? null;
            this.replicas.changed(replica.stream, replica.replace(contents.cells.get(replica.stream) ?? new Map()));
        }
        this.rebase(contents, "gone");
    }
    rebase(ledger, gone) {
        const { replicas, outbox } = this;
        const held = { replicas, outbox, header: this.#header, settled: this.#settled };
        const { left_epoch: left } = this.#header;
        ({ header: this.#header, lastN: this.#lastN } = rebase(held, ledger, gone));
        replicas.account = this.#header.account;
        if (this.#header.left_epoch !== left)
            this.#retell(`play/${this.#header.left_epoch ?? left}`);
        const stored = new Set(ledger.outbox.map(({ n }) => n));
        this.forgetSettled([...this.#settled].filter((n) => !stored.has(n)));
    }
    #retell(key) {
        const cell = this.replicas.own.shown.get(key);
        if (cell !== undefined)
            this.replicas.changed(OWN_STREAM, new Map([[key, cell]]));
    }
    #enter(event) {
        const { stream, seq, t } = event.pending;
        this.#lastN = event.n;
        this.amend({ clock_t: Math.max(this.#header.clock_t, t) });
        this.outbox.enter(event);
        const replica = this.replicas.get(stream);
        replica.lastSeq = Math.max(replica.lastSeq, seq);
        this.replicas.changed(stream, replica.add(event));
    }
}
