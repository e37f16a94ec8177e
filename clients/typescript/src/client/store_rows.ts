/** What a local store holds, and how its rows change: the part that every kind of store has in common. Pure. */
import { FencedOut } from "../errors.js";
import type { Cells } from "../model/cells.js";
import { WRITER_LENGTH } from "../model/ids.js";
import type { Pending } from "../model/restamp.js";
import { randomText } from "./random.js";

/** The one row that says who writes. */
export type Header = {
  /** Made with the store; tells the server a copy from the original. */
  readonly nonce: string;
  /** Drawn with the store and proposed in the first hello; the server takes it, or gives another. */
  readonly writer: string;
  /** Provisional until the first welcome. */
  readonly device: string;
  readonly account: string | null;
  /** Rises whenever pending events are renamed, so that another tab notices. */
  readonly generation: number;
  /** The place of the last event that was minted. */
  readonly last_n: number;
  /** The last time that was minted. */
  readonly clock_t: number;
  /** The largest admitted time that was received. */
  readonly seen_t: number;
  /** The largest time of this writer that may have left the device. */
  readonly sent_t: number;
  readonly wall_offset_ms: number;
  /** The detached session that the listener has left without adopting it. */
  readonly left_epoch: string | null;
  /** Rises whenever a tab begins to lead: only the last one may write what the server confirmed. */
  readonly term: number;
};

/** `cursor`: null when the cells are not to be relied on. `last_seq`: the highest that was ever minted. */
export type StreamRow = { readonly cursor: string | null; readonly last_seq: number };

/** An own event without an answer, and its place among all that the store ever made. */
export type OutboxRow = Pending & { readonly n: number };

/** Everything but the cells. */
export type Ledger = {
  readonly header: Header;
  readonly streams: ReadonlyMap<string, StreamRow>;
  /** By n. */
  readonly outbox: readonly OutboxRow[];
};

/** Everything. */
export type Contents = Ledger & { readonly cells: ReadonlyMap<string, Cells> };

/** Own events to be saved, numbered as their maker believes: behind `after`, the last that it knows. */
export type Mint = { readonly generation: number; readonly after: number; readonly rows: readonly OutboxRow[] };

/** Confirmed changes on their way to the store. */
export class Unsaved {
  /** Joined cells, by stream. */
  readonly cells = new Map<string, Cells>();
  /** Streams whose rows go first, because a snapshot took their place. */
  readonly replaced = new Set<string>();
  /** Where the cells lead to. */
  readonly cursors = new Map<string, string | null>();
  /** Own events (`n`) that are done with. */
  readonly answered = new Set<number>();

  /** How many rows it would write. */
  get size(): number {
    const cells = [...this.cells.values()].reduce((sum, each) => sum + each.size, 0);
    return cells + this.cursors.size + this.answered.size;
  }

  /** What could not be written goes with the next attempt, under what came since. */
  putUnder(later: Unsaved): void {
    for (const [stream, cells] of later.cells) {
      const isReplaced = later.replaced.has(stream);
      this.cells.set(stream, new Map([...(isReplaced ? [] : (this.cells.get(stream) ?? [])), ...cells]));
    }
    for (const stream of later.replaced) this.replaced.add(stream);
    for (const [stream, cursor] of later.cursors) this.cursors.set(stream, cursor);
    for (const n of later.answered) this.answered.add(n);
  }
}

/** Of a store that was just made. */
export function freshHeader(): Header {
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

/** Refuse a tab that leads no more: what it knows may be older than what is there. @throws FencedOut: it is so. */
export function fence(header: Header, term: number): void {
  if (header.term !== term) throw new FencedOut(`this tab led in term ${term}; the store is in term ${header.term}`);
}

/** The header after events were saved; null if another tab has minted or renamed since, and nothing may be saved. */
export function minted(header: Header, { generation, after, rows }: Mint): Header | null {
  if (header.generation !== generation || header.last_n !== after) return null;
  return rows.reduce(
    (last, { n, t, sent }) => ({
      ...last,
      last_n: n,
      clock_t: Math.max(last.clock_t, t),
      sent_t: sent ? Math.max(last.sent_t, t) : last.sent_t,
    }),
    header,
  );
}

/** What changes all pending events at once, and the header with them. The rows that it leaves out were admitted. */
export type Transform = (header: Header, outbox: readonly OutboxRow[]) => Pick<Ledger, "header" | "outbox">;

/** The ledger after a transform. One that changes the writer begins to count anew: its rows are all that was minted. */
export function renamed(before: Ledger, transform: Transform): Ledger {
  const { header, outbox } = transform(before.header, before.outbox);
  const isFresh = header.writer !== before.header.writer;
  const isSame = !isFresh && JSON.stringify(outbox) === JSON.stringify(before.outbox);
  const streams = new Map(before.streams);
  if (isFresh) {
    for (const [stream, row] of streams) streams.set(stream, { ...row, last_seq: 0 });
    for (const { stream, seq } of outbox) {
      const { cursor = null, last_seq = 0 } = streams.get(stream) ?? {};
      streams.set(stream, { cursor, last_seq: Math.max(last_seq, seq) });
    }
  }
  const generation = before.header.generation + (isSame ? 0 : 1);
  return { header: { ...header, generation }, outbox, streams };
}
