/**
 * Own events brought in line with the store: what is saved is what the store says, under the names it has there, and what
 * is not saved yet is counted after it.
 *
 * Needed when pending events were renamed, and when another tab was first to take a number. Source: merge.md section 1.
 */
import { sameCell, type Cell } from "../model/cells.js";
import { at } from "../model/views/under.js";
import type { Outbox } from "./outbox.js";
import { OwnEvent, type Outcome } from "./own_event.js";
import type { Replicas } from "./replicas.js";
import { Names, type Name, type Renaming } from "./renumber.js";
import type { Header, Ledger } from "./store_rows.js";

/** What a device holds, and what it knows of the store. */
export type Held = {
  readonly replicas: Replicas;
  readonly outbox: Outbox;
  readonly header: Header;
  /** Own events (`n`) that were answered and may still be in the store. */
  readonly settled: ReadonlySet<number>;
};
/** Where it stands afterwards; `lastN` is the place of the last event, saved or not. */
export type Rebased = { readonly header: Header; readonly lastN: number };

/**
 * Rename and renumber in `held.outbox`, and tell the watchers of the replicas what shows differently.
 *
 * @param gone - what became of events that the store does not hold any more.
 */
export function rebase(held: Held, ledger: Ledger, gone: Outcome): Rebased {
  const { replicas, outbox } = held;
  const before = outbox.takeAll();
  const showed = undress(replicas, before);
  const isSame = held.header.writer === ledger.header.writer;
  const header = {
    ...ledger.header,
    seen_t: Math.max(held.header.seen_t, ledger.header.seen_t),
    sent_t: isSame ? Math.max(held.header.sent_t, ledger.header.sent_t) : ledger.header.sent_t,
  };
  for (const replica of replicas) replica.lastSeq = ledger.streams.get(replica.stream)?.last_seq ?? 0;
  const renamings = enterSaved(held, ledger, before.filter(({ isSaved }) => isSaved), gone);
  const unsaved = before.filter(({ isSaved }) => !isSaved);
  const rebased = enterUnsaved(held, header, unsaved, renamings);
  dress(replicas, outbox, showed);
  return rebased;
}

/** What is saved, as the store has it. Returns what was renamed. */
function enterSaved({ outbox, settled }: Held, ledger: Ledger, saved: readonly OwnEvent[], gone: Outcome): Renaming[] {
  const { writer } = ledger.header;
  const known = new Map(saved.map((event) => [event.n, event]));
  const renamings: Renaming[] = [];
  for (const row of ledger.outbox.filter(({ n }) => !settled.has(n))) {
    const event = known.get(row.n) ?? new OwnEvent(row.n, row, writer, true);
    if (known.delete(row.n)) {
      renamings.push({ from: nameOf(event), to: { ...row, writer } });
      const former = event.id;
      event.become(row, writer);
      if (event.id !== former) outbox.remember(former, event);
    }
    outbox.enter(event);
  }
  for (const event of known.values()) event.outcome = gone;
  return renamings;
}

/** What is not saved, numbered and timed behind all that is. */
function enterUnsaved(held: Held, header: Header, events: readonly OwnEvent[], saved: readonly Renaming[]): Rebased {
  const { writer } = header;
  let { clock_t } = header;
  const targets = events.map(({ pending: { stream, t } }) => {
    clock_t = Math.max(t, clock_t + 1);
    return { stream, writer, seq: ++held.replicas.get(stream).lastSeq, t: clock_t };
  });
  const own = events.map((event, index) => ({ from: nameOf(event), to: targets[index]! }));
  const names = new Names([...saved, ...own], { from: held.header.device, to: header.device });
  for (const [index, event] of events.entries()) {
    const { seq, t, stream } = targets[index]!;
    const { kind, data } = event.pending;
    const former = event.id;
    event.n = header.last_n + 1 + index;
    event.become({ ...event.pending, seq, t, data: names.rewritten(kind, data, stream) }, writer);
    // Under the same writer the former name is somebody else's now.
    if (!former.startsWith(`${writer}.`)) held.outbox.remember(former, event);
    held.outbox.enter(event);
  }
  return { header: { ...header, clock_t }, lastN: header.last_n + events.length };
}

function nameOf({ event }: OwnEvent): Name {
  return { stream: event.stream, writer: event.writer, seq: event.seq, t: event.t };
}

/** What showed at keys of one stream, by stream. */
type Showed = Map<string, Map<string, Cell | undefined>>;

/** Show nothing of these events. Returns what showed where they had written. */
function undress(replicas: Replicas, events: readonly OwnEvent[]): Showed {
  const showed: Showed = new Map();
  for (const event of events) note(replicas, event, showed);
  for (const event of events) replicas.get(event.pending.stream).drop(event.n, event.cells);
  return showed;
}

/** Show all pending events again, and tell what shows differently now. */
function dress(replicas: Replicas, outbox: Outbox, showed: Showed): void {
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

function note(replicas: Replicas, { cells, pending: { stream } }: OwnEvent, showed: Showed): void {
  const { shown } = replicas.get(stream);
  const there = at(showed, stream, () => new Map());
  for (const key of cells.keys()) if (!there.has(key)) there.set(key, shown.get(key));
}
