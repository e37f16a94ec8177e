import { fence, freshHeader, minted, renamed, } from "./store_rows.js";
export class MemoryStore {
    name;
    #header = freshHeader();
    #streams = new Map();
    #outbox = new Map();
    #cells = new Map();
    constructor(name = null) {
        this.name = name;
    }
    async load() {
        const cells = new Map(Array.from(this.#cells, ([stream, each]) => [stream, new Map(each)]));
        return { ...this.#ledger(), cells };
    }
    async ledger() {
        return this.#ledger();
    }
    async mint(mint) {
        const header = minted(this.#header, mint);
        if (header === null)
            return this.#ledger();
        this.#header = header;
        for (const row of mint.rows) {
            this.#outbox.set(row.n, row);
            this.#streams.set(row.stream, { cursor: this.#streams.get(row.stream)?.cursor ?? null, last_seq: row.seq });
        }
        return null;
    }
    async take() {
        this.#header = { ...this.#header, term: this.#header.term + 1 };
        return this.#header.term;
    }
    async markSent(ns, sentT, term) {
        fence(this.#header, term);
        for (const n of ns) {
            const row = this.#outbox.get(n);
            if (row !== undefined)
                this.#outbox.set(n, { ...row, sent: true });
        }
        this.#header = { ...this.#header, sent_t: Math.max(this.#header.sent_t, sentT) };
    }
    async rename(transform, term) {
        fence(this.#header, term);
        const after = renamed(this.#ledger(), transform);
        this.#header = after.header;
        this.#streams = new Map(after.streams);
        this.#outbox = new Map(after.outbox.map((row) => [row.n, row]));
        return after;
    }
    async save(unsaved, { seen_t, sent_t, wall_offset_ms }, term) {
        fence(this.#header, term);
        for (const stream of unsaved.replaced)
            this.#cells.delete(stream);
        for (const [stream, cells] of unsaved.cells) {
            this.#cells.set(stream, new Map([...(this.#cells.get(stream) ?? []), ...cells]));
        }
        for (const [stream, cursor] of unsaved.cursors) {
            this.#streams.set(stream, { cursor, last_seq: this.#streams.get(stream)?.last_seq ?? 0 });
        }
        for (const n of unsaved.answered)
            this.#outbox.delete(n);
        const { seen_t: seen, sent_t: sent } = this.#header;
        this.#header = { ...this.#header, seen_t: Math.max(seen, seen_t), sent_t: Math.max(sent, sent_t), wall_offset_ms };
    }
    async leave(epoch) {
        this.#header = { ...this.#header, left_epoch: epoch };
    }
    close() { }
    #ledger() {
        return { header: this.#header, streams: new Map(this.#streams), outbox: [...this.#outbox.values()] };
    }
}
