import { FencedOut } from "../errors.js";
import { WRITER_LENGTH } from "../model/ids.js";
import { randomText } from "./random.js";
export class Unsaved {
    cells = new Map();
    replaced = new Set();
    cursors = new Map();
    answered = new Set();
    get size() {
        const cells = [...this.cells.values()].reduce((sum, each) => sum + each.size, 0);
        return cells + this.cursors.size + this.answered.size;
    }
    putUnder(later) {
        for (const [stream, cells] of later.cells) {
            const isReplaced = later.replaced.has(stream);
            this.cells.set(stream, new Map([...(isReplaced ? [] : (this.cells.get(stream) ?? [])), ...cells]));
        }
        for (const stream of later.replaced)
            this.replaced.add(stream);
        for (const [stream, cursor] of later.cursors)
            this.cursors.set(stream, cursor);
        for (const n of later.answered)
            this.answered.add(n);
    }
}
export function freshHeader() {
    return {
        nonce: randomText(16),
        writer: randomText(WRITER_LENGTH),
        device: `new-${randomText(10)}`,
        account: null,
        generation: 0,
        last_n: 0,
        clock_t: 0,
        seen_t: 0,
        sent_t: 0,
        wall_offset_ms: 0,
        left_epoch: null,
        term: 0,
    };
}
export function fence(header, term) {
    if (header.term !== term)
        throw new FencedOut(`this tab led in term ${term}; the store is in term ${header.term}`);
}
export function minted(header, { generation, after, rows }) {
    if (header.generation !== generation || header.last_n !== after)
        return null;
    return rows.reduce((last, { n, t, sent }) => ({
        ...last,
        last_n: n,
        clock_t: Math.max(last.clock_t, t),
        sent_t: sent ? Math.max(last.sent_t, t) : last.sent_t,
    }), header);
}
export function renamed(before, transform) {
    const { header, outbox } = transform(before.header, before.outbox);
    const isFresh = header.writer !== before.header.writer;
    const isSame = !isFresh && JSON.stringify(outbox) === JSON.stringify(before.outbox);
    const streams = new Map(before.streams);
    if (isFresh) {
        for (const [stream, row] of streams)
            streams.set(stream, { ...row, last_seq: 0 });
        for (const { stream, seq } of outbox) {
            const { cursor = null, last_seq = 0 } = streams.get(stream) ?? {};
            streams.set(stream, { cursor, last_seq: Math.max(last_seq, seq) });
        }
    }
    const generation = before.header.generation + (isSame ? 0 : 1);
    return { header: { ...header, generation }, outbox, streams };
}
