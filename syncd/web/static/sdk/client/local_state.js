import { FencedOut, OtherAccount, PositionLost, StoreBusy, SyncdError, WriterLost } from "../errors.js";
import { EMIT_EVENTS_MAX } from "../limits.js";
import { STAMP_LENGTH, stampT } from "../model/stamp.js";
import { cellsOf } from "../protocol/client_session.js";
import { ServerTime, SystemDeviceClock } from "./clocks.js";
import { Held } from "./held.js";
import { concerns, followed, identified, isAdmitted, isTheOneSeen } from "./renaming.js";
import { Serial } from "./serial.js";
import { Writeback } from "./writeback.js";
const UNSAVED_ROWS_MAX = 2_000;
const SETTLED_MAX = 1_000;
export class LocalState {
    time;
    ears = { owed() { }, made() { }, renamed() { }, effect() { } };
    leavesNow = () => false;
    onUnsaved = () => { };
    #store;
    #held;
    #serial = new Serial();
    #writeback;
    #isMinting = false;
    #term;
    constructor(store, clock, contents) {
        this.#store = store;
        this.#held = new Held(contents);
        this.#term = contents.header.term;
        this.#writeback = new Writeback(store);
        this.time = new ServerTime(clock, contents.header.wall_offset_ms);
    }
    static async open(store, clock = new SystemDeviceClock()) {
        return new LocalState(store, clock, await store.load());
    }
    get header() {
        return this.#held.header;
    }
    get replicas() {
        return this.#held.replicas;
    }
    get outbox() {
        return this.#held.outbox;
    }
    act(build) {
        const event = this.#held.make(build(), this.time);
        this.#mintSoon();
        return event;
    }
    make(draft) {
        return this.act(() => draft);
    }
    async stored() {
        await this.#serial.run(async () => undefined);
    }
    heard({ stream, cells: wire, cursor = null, by = null }) {
        const replica = this.replicas.get(stream);
        const cells = cellsOf(wire);
        this.#held.see(by?.t ?? largestT(cells));
        this.replicas.changed(replica.stream, this.#confirm(replica, cells, cursor), by);
        this.#tell(replica, { cells, by });
        this.#flushIfMany();
    }
    replaced({ stream, cells, cursor }) {
        const replica = this.replicas.get(stream);
        this.#held.see(largestT(cells));
        const changed = replica.replace(cells);
        this.#writeback.replaced(replica.stream, cells);
        this.#moveCursor(replica, cursor);
        this.replicas.changed(replica.stream, changed);
        this.#tell(replica, { cells, isSnapshot: true });
        this.#flushIfMany();
    }
    acked({ stream, writer, seq, t, seen = false, cursor = null }, isAssembling) {
        const replica = this.replicas.get(stream);
        this.#held.see(t);
        const isOurs = writer === this.header.writer;
        if (isOurs)
            this.#held.left(t);
        const event = isOurs ? this.#owed(replica, seq) : null;
        if (event === null) {
            if (seen)
                return null;
            this.dropCursor(replica.stream);
            throw new PositionLost(`ack of ${writer}.${seq} on ${stream}, which is not pending here`);
        }
        if (seen && !isTheOneSeen(event.pending, writer, t, replica.confirmed)) {
            throw new WriterLost(`another life of this store has sent something else as ${event.id} on ${stream}`);
        }
        this.#settle(event, "admitted");
        const [written, madeT] = [event.cells, event.event.t];
        event.admitted(t);
        const confirmed = seen ? new Map() : this.#confirm(replica, event.cells, isAssembling ? null : cursor);
        this.replicas.changed(replica.stream, new Map([...confirmed, ...replica.drop(event.n, written)]));
        this.#tell(replica, { cells: seen ? new Map() : event.cells, settled: { n: event.n, outcome: "admitted", t } });
        this.#follow({ madeT, admittedT: t, writer });
        this.#flushIfMany();
        return event;
    }
    refused({ stream, seq, reason, message }, outcome = "refused") {
        const replica = this.replicas.get(stream);
        const event = this.#owed(replica, seq);
        if (event === null)
            return null;
        event.refusal = { reason, message };
        this.#settle(event, outcome);
        this.replicas.changed(replica.stream, replica.drop(event.n, event.cells));
        this.#tell(replica, { settled: { n: event.n, outcome, t: event.event.t } });
        return event;
    }
    dropCursor(stream) {
        this.#moveCursor(this.replicas.get(stream), null);
    }
    checkAccount(account) {
        const ours = this.header.account;
        if (ours === null || ours === account)
            return;
        throw new OtherAccount(`store ${this.#store.name} belongs to account ${ours}, the token to ${account}`);
    }
    async identify(login) {
        await this.#rename((header, outbox) => {
            const known = { ...header, seen_t: Math.max(header.seen_t, this.header.seen_t) };
            return identified({ header: known, outbox }, login, this.#reconnect(known), (event) => isAdmitted(event, header.writer, this.replicas.get(event.stream).confirmed));
        });
    }
    flush() {
        return this.#serial.run(() => this.#flushNow());
    }
    get hasUnsaved() {
        return this.#writeback.size > 0;
    }
    markSent(events) {
        return this.#serial.run(async () => {
            const fresh = events.filter(({ outcome, pending }) => outcome === "pending" && !pending.sent);
            if (fresh.length === 0)
                return;
            const sentT = fresh.reduce((last, { event }) => Math.max(last, event.t), this.header.sent_t);
            await this.#store.markSent(fresh.map(({ n }) => n), sentT, this.#term);
            this.#held.sent(fresh);
        });
    }
    async leave(epoch) {
        this.#held.leave(epoch);
        await this.#serial.run(() => this.#store.leave(epoch));
        this.ears.renamed();
    }
    adopt(rows) {
        return this.#serial.run(async () => {
            if (!this.#held.adopt(rows))
                await this.#readLedgerNow();
            this.ears.owed();
        });
    }
    followEffect({ stream, cells, isSnapshot, by, settled }) {
        return this.#serial.run(async () => {
            const replica = this.replicas.get(stream);
            this.#held.see(by?.t ?? largestT(cells));
            const changed = new Map(isSnapshot ? replica.replace(new Map(cells)) : replica.confirm(cells));
            const event = settled === null ? null : this.#held.settleN(settled.n, settled.outcome);
            if (event !== null && settled !== null) {
                for (const [key, cell] of replica.drop(event.n, event.cells))
                    changed.set(key, cell);
                if (settled.outcome === "admitted")
                    event.admitted(settled.t);
            }
            this.replicas.changed(replica.stream, changed, by);
            if (this.#held.settledCount > SETTLED_MAX)
                await this.#readLedgerNow();
        });
    }
    take() {
        return this.#serial.run(async () => (this.#term = await this.#store.take()));
    }
    readLedger() {
        return this.#serial.run(() => this.#readLedgerNow());
    }
    reload() {
        return this.#serial.run(async () => {
            const contents = await this.#store.load();
            this.#writeback.forget();
            this.#held.takeAll(contents);
            this.time.follow(contents.header.wall_offset_ms);
        });
    }
    async close() {
        try {
            await this.flush();
        }
        finally {
            this.#store.close();
        }
    }
    #mintSoon() {
        if (this.#isMinting)
            return;
        this.#isMinting = true;
        void this.#serial.run(async () => {
            this.#isMinting = false;
            await this.#mintUnsaved();
        });
    }
    async #mintUnsaved() {
        while (this.outbox.unsaved.size > 0) {
            const batch = [...this.outbox.unsaved].slice(0, EMIT_EVENTS_MAX);
            const sent = this.leavesNow(batch);
            const rows = batch.map((event) => ({ ...event.pending, sent, n: event.n }));
            try {
                const ledger = await this.#store.mint({ generation: this.header.generation, after: rows[0].n - 1, rows });
                if (ledger !== null) {
                    this.#held.rebase(ledger, "gone");
                    continue;
                }
            }
            catch (error) {
                if (!(error instanceof SyncdError))
                    throw error;
                this.#takeBack(error);
                return;
            }
            this.outbox.saved(batch);
            if (sent)
                this.#held.sent(batch);
            this.ears.made(rows);
            this.ears.owed();
        }
    }
    #takeBack(error) {
        for (const { pending } of this.#held.takeBack(error)) {
            const { stream, kind } = pending;
            this.onUnsaved({ stream, kind, reason: error.code, message: error.message, reissued: false });
        }
    }
    #owed({ stream }, seq) {
        const event = this.outbox.find(stream, seq);
        return event?.isSaved ? event : null;
    }
    #settle(event, outcome) {
        this.#held.settle(event, outcome);
        this.#writeback.answered(event.n);
    }
    #follow(admission) {
        const isNeeded = admission.madeT !== admission.admittedT && [...this.outbox].some((event) => concerns(admission, event.pending));
        if (!isNeeded)
            return;
        const rename = this.#rename((header, outbox) => ({
            header,
            outbox: followed(outbox, admission, this.#reconnect({ ...header, sent_t: this.header.sent_t })),
        }));
        rename.catch(onlyBusy);
    }
    #rename(transform) {
        return this.#serial.run(async () => {
            await this.#mintUnsaved();
            await this.#flushNow();
            const before = this.header;
            const ledger = await this.#store.rename(transform, this.#term);
            this.#held.rebase(ledger, "admitted");
            const { generation, account, device } = ledger.header;
            if (generation !== before.generation || account !== before.account || device !== before.device) {
                this.ears.renamed();
            }
        });
    }
    async #readLedgerNow() {
        const ledger = await this.#store.ledger();
        this.#held.rebase(ledger, "gone");
        this.time.follow(ledger.header.wall_offset_ms);
    }
    #reconnect({ sent_t }) {
        const { time } = this;
        const [server_now_ms, monotonic_ms] = [time.nowMs(), time.monotonicMs()];
        return { server_now_ms, offset_ms: time.wallOffsetMs, monotonic_ms, boot: time.boot, sent_t };
    }
    #confirm(replica, cells, cursor) {
        const changed = replica.confirm(cells);
        this.#writeback.confirmed(replica.stream, Array.from(cells.keys(), (key) => [key, replica.confirmed.get(key)]));
        if (cursor !== null)
            this.#moveCursor(replica, cursor);
        return changed;
    }
    #moveCursor(replica, cursor) {
        replica.cursor = cursor;
        this.#writeback.cursor(replica.stream, cursor);
    }
    #tell({ stream }, { cells = new Map(), isSnapshot = false, by = null, settled = null }) {
        this.ears.effect({ stream, cells, isSnapshot, by, settled });
    }
    async #flushNow() {
        const { seen_t, sent_t } = this.header;
        const clocks = { seen_t, sent_t, wall_offset_ms: this.time.wallOffsetMs };
        this.#held.forgetSettled(await this.#writeback.flush(clocks, this.#term));
    }
    #flushIfMany() {
        if (this.#writeback.size >= UNSAVED_ROWS_MAX)
            this.flush().catch(onlyBusy);
    }
}
function onlyBusy(error) {
    if (!(error instanceof StoreBusy || error instanceof FencedOut))
        throw error;
}
export function largestT(cells) {
    let largest = 0;
    for (const { rank } of cells.values())
        if (rank.length === STAMP_LENGTH)
            largest = Math.max(largest, stampT(rank));
    return largest;
}
