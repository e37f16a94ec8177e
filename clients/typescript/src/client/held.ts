/**
 * What a device holds in memory: its replicas, its own events over them, and who it writes as.
 *
 * A number given here is a guess until the store has taken the event: other tabs write to the same store. `rebase` brings
 * all of it in line with the store again. Synchronous; it neither reads nor writes the store. Source: merge.md section 1.
 */
import { StoreBusy, type SyncdError } from "../errors.js";
import { pack } from "../model/stamp.js";
import { checkedData } from "../model/validate.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import type { ServerTime } from "./clocks.js";
import type { Draft } from "./draft.js";
import { Outbox } from "./outbox.js";
import { OwnEvent, type Outcome } from "./own_event.js";
import { rebase } from "./rebase.js";
import { Replicas } from "./replicas.js";
import type { Contents, Header, Ledger, OutboxRow } from "./store_rows.js";

/** Own events that may wait for the store; beyond it actions throw `StoreBusy`. A store that takes nothing is broken. */
const UNSAVED_EVENTS_MAX = 10_000;

export class Held {
  readonly replicas = new Replicas();
  readonly outbox = new Outbox();
  #header: Header;
  /** The place of the last event made here, saved or not. */
  #lastN = 0;
  /** Own events (`n`) that were answered and may still be in the store. */
  #settled = new Set<number>();

  constructor(contents: Contents) {
    this.#header = contents.header;
    this.takeAll(contents);
  }

  /** Who this store writes as, and its clock. */
  get header(): Header {
    return this.#header;
  }

  /** The header says something else now. */
  amend(now: Partial<Header>): void {
    this.#header = { ...this.#header, ...now };
  }

  /** This admitted time was received. */
  see(t: number): void {
    if (t > this.#header.seen_t) this.amend({ seen_t: t });
  }

  /** The listener has left a detached session. No cell says so, but whoever shows plays has to look again. */
  leave(epoch: string | null): void {
    const before = this.#header.left_epoch;
    this.amend({ left_epoch: epoch });
    if (epoch !== before) this.#retell(`play/${epoch ?? before}`);
  }

  /** A time of this writer that may have left the device. */
  left(t: number): void {
    if (t > this.#header.sent_t) this.amend({ sent_t: t });
  }

  // --- own events ---

  /**
   * Make one event: numbered, timed, showing, not saved yet.
   *
   * @throws InvalidEvent, LimitExceeded: the gateway would refuse it; nothing was made.
   * @throws StoreBusy: too many wait for the store; nothing was made.
   */
  make({ kind, data: given, stream: name, validMs }: Draft, time: ServerTime): OwnEvent {
    const replica = this.replicas.get(name);
    const data = checkedData(kind, given, replica.stream);
    if (this.outbox.unsaved.size >= UNSAVED_EVENTS_MAX) {
      throw new StoreBusy(`${UNSAVED_EVENTS_MAX} own events wait for the store, which takes nothing`);
    }
    const { clock_t, seen_t, writer } = this.#header;
    const t = Math.max(clock_t + 1, seen_t + 1, pack(time.nowMs()));
    const event = new OwnEvent(
      this.#lastN + 1,
      {
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
      },
      writer,
      false,
    );
    this.#enter(event);
    return event;
  }

  /** Take in own events that another tab has saved. False, and nothing done, unless they are the very next ones. */
  adopt(rows: readonly OutboxRow[]): boolean {
    const fresh = rows.filter(({ n }) => !this.#settled.has(n) && !this.outbox.get(n)?.isSaved);
    if (fresh.some(({ n }, index) => n !== this.#lastN + 1 + index)) return false;
    for (const row of fresh) this.#enter(new OwnEvent(row.n, row, this.#header.writer, true));
    return true;
  }

  /** These leave the device now; their times are fixed from here on. */
  sent(events: readonly OwnEvent[]): void {
    for (const event of events) {
      this.left(event.event.t);
      event.sent();
    }
  }

  /** The store did not take what is not saved: it never happened. Returns it, the last one first. */
  takeBack({ code, message }: SyncdError): OwnEvent[] {
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

  /** An own event was answered. What it writes still shows. */
  settle(event: OwnEvent, outcome: Outcome): void {
    event.outcome = outcome;
    this.outbox.remove(event);
    this.#settled.add(event.n);
  }

  /** An own event was answered in another tab. Returns it, if it is known here. */
  settleN(n: number, outcome: Outcome): OwnEvent | null {
    const event = this.outbox.get(n);
    if (event?.isSaved) {
      this.settle(event, outcome);
      return event;
    }
    this.#settled.add(n);
    return null;
  }

  /** How many answered own events are remembered because the store may still have them. */
  get settledCount(): number {
    return this.#settled.size;
  }

  /** The store does not have these own events any more. */
  forgetSettled(ns: Iterable<number>): void {
    for (const n of ns) this.#settled.delete(n);
  }

  // --- as the store has it ---

  /** Take everything as the store has it; only what is not saved yet stays. */
  takeAll(contents: Contents): void {
    this.#settled.clear();
    this.replicas.account = contents.header.account;
    for (const stream of contents.streams.keys()) this.replicas.get(stream);
    for (const replica of this.replicas) {
      replica.cursor = contents.streams.get(replica.stream)?.cursor ?? null;
      this.replicas.changed(replica.stream, replica.replace(contents.cells.get(replica.stream) ?? new Map()));
    }
    this.rebase(contents, "gone");
  }

  /** Take own events and the header as the store has them. `gone`: what became of those that it does not hold. */
  rebase(ledger: Ledger, gone: Outcome): void {
    const { replicas, outbox } = this;
    const held = { replicas, outbox, header: this.#header, settled: this.#settled };
    const { left_epoch: left } = this.#header;
    ({ header: this.#header, lastN: this.#lastN } = rebase(held, ledger, gone));
    replicas.account = this.#header.account;
    if (this.#header.left_epoch !== left) this.#retell(`play/${this.#header.left_epoch ?? left}`);
    const stored = new Set(ledger.outbox.map(({ n }) => n));
    this.forgetSettled([...this.#settled].filter((n) => !stored.has(n)));
  }

  /** Tell of a cell of the own stream as if it had changed. */
  #retell(key: string): void {
    const cell = this.replicas.own.shown.get(key);
    if (cell !== undefined) this.replicas.changed(OWN_STREAM, new Map([[key, cell]]));
  }

  #enter(event: OwnEvent): void {
    const { stream, seq, t } = event.pending;
    this.#lastN = event.n;
    this.amend({ clock_t: Math.max(this.#header.clock_t, t) });
    this.outbox.enter(event);
    const replica = this.replicas.get(stream);
    replica.lastSeq = Math.max(replica.lastSeq, seq);
    this.replicas.changed(stream, replica.add(event));
  }
}
