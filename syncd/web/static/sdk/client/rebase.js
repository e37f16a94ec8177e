import { sameCell } from "../model/cells.js";
import { at } from "../model/views/under.js";
import { OwnEvent } from "./own_event.js";
import { Names } from "./renumber.js";
export function rebase(held, ledger, gone) {
    const { replicas, outbox } = held;
    const before = outbox.takeAll();
    const showed = undress(replicas, before);
    const isSame = held.header.writer === ledger.header.writer;
    const header = {
        ...ledger.header,
        seen_t: Math.max(held.header.seen_t, ledger.header.seen_t),
        sent_t: isSame ? Math.max(held.header.sent_t, ledger.header.sent_t) : ledger.header.sent_t,
    };
    for (const replica of replicas)
        replica.lastSeq = ledger.streams.get(replica.stream)?.last_seq ?? 0;
    const renamings = enterSaved(held, ledger, before.filter(({ isSaved }) => isSaved), gone);
    const unsaved = before.filter(({ isSaved }) => !isSaved);
    const rebased = enterUnsaved(held, header, unsaved, renamings);
    dress(replicas, outbox, showed);
    return rebased;
}
function enterSaved({ outbox, settled }, ledger, saved, gone) {
    const { writer } = ledger.header;
    const known = new Map(saved.map((event) => [event.n, event]));
    const renamings = [];
    for (const row of ledger.outbox.filter(({ n }) => !settled.has(n))) {
        const event = known.get(row.n) ?? new OwnEvent(row.n, row, writer, true);
        if (known.delete(row.n)) {
            renamings.push({ from: nameOf(event), to: { ...row, writer } });
            const former = event.id;
            event.become(row, writer);
            if (event.id !== former)
                outbox.remember(former, event);
        }
        outbox.enter(event);
    }
    for (const event of known.values())
        event.outcome = gone;
    return renamings;
}
function enterUnsaved(held, header, events, saved) {
    const { writer } = header;
    let { clock_t } = header;
    const targets = events.map(({ pending: { stream, t } }) => {
        clock_t = Math.max(t, clock_t + 1);
        return { stream, writer, seq: ++held.replicas.get(stream).lastSeq, t: clock_t };
    });
    const own = events.map((event, index) => ({ from: nameOf(event), to: targets[index] }));
    const names = new Names([...saved, ...own], { from: held.header.device, to: header.device });
    for (const [index, event] of events.entries()) {
        const { seq, t, stream } = targets[index];
        const { kind, data } = event.pending;
        const former = event.id;
        event.n = header.last_n + 1 + index;
        event.become({ ...event.pending, seq, t, data: names.rewritten(kind, data, stream) }, writer);
        if (!former.startsWith(`${writer}.`))
            held.outbox.remember(former, event);
        held.outbox.enter(event);
    }
    return { header: { ...header, clock_t }, lastN: header.last_n + events.length };
}
function nameOf({ event }) {
    return { stream: event.stream, writer: event.writer, seq: event.seq, t: event.t };
}
function undress(replicas, events) {
    const showed = new Map();
    for (const event of events)
        note(replicas, event, showed);
    for (const event of events)
        replicas.get(event.pending.stream).drop(event.n, event.cells);
    return showed;
}
function dress(replicas, outbox, showed) {
    for (const event of outbox) {
        note(replicas, event, showed);
        replicas.get(event.pending.stream).add(event);
    }
    for (const [stream, before] of showed) {
        const { shown } = replicas.get(stream);
        const differing = [...before].filter(([key, cell]) => !sameCell(cell, shown.get(key)));
        replicas.changed(stream, new Map(differing.map(([key]) => [key, shown.get(key) ?? null])));
    }
}
function note(replicas, { cells, pending: { stream } }, showed) {
    const { shown } = replicas.get(stream);
    const there = at(showed, stream, () => new Map());
    for (const key of cells.keys())
        if (!there.has(key))
            there.set(key, shown.get(key));
}
