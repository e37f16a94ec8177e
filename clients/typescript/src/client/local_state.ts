/**
 * Everything a device knows and owes: what it holds in memory, its store, its clocks.
 *
 * Actions are synchronous and need no connection: an event shows when `act` returns, and is on its way to the store. The
 * store is asynchronous, and other tabs write to it as well, so a number given here is a guess, nearly always right: the
 * store takes the event only if nobody was first, and else all that is not saved yet is counted again. Nothing leaves the
 * device before it is saved, so nobody has seen the old numbers. Source: merge.md sections 1 and 2.
 */
import { FencedOut, OtherAccount, PositionLost, StoreBusy, SyncdError, WriterLost } from "../errors.js";
import { EMIT_EVENTS_MAX } from "../limits.js";
import type { Cells, ReadonlyCells } from "../model/cells.js";
import { STAMP_LENGTH, stampT } from "../model/stamp.js";
import type { Reconnect } from "../model/restamp.js";
import { cellsOf, type Replaced } from "../protocol/client_session.js";
import type { AckItem, Delta, Nack } from "../schemas/messages.js";
import type { ChangedCells, Refusal } from "./change.js";
import { ServerTime, SystemDeviceClock, type DeviceClock } from "./clocks.js";
import type { Draft } from "./draft.js";
import type { Effect } from "./effect.js";
import { Held } from "./held.js";
import type { Outbox } from "./outbox.js";
import type { Outcome, OwnEvent } from "./own_event.js";
import { concerns, followed, identified, isAdmitted, isTheOneSeen, type Admission, type Login } from "./renaming.js";
import type { Replica } from "./replica.js";
import type { Replicas } from "./replicas.js";
import { Serial } from "./serial.js";
import type { Store } from "./store.js";
import type { Contents, Header, OutboxRow, Transform } from "./store_rows.js";
import { Writeback } from "./writeback.js";

/** Confirmed rows that may wait in memory for the store; beyond it they are written at once. */
const UNSAVED_ROWS_MAX = 2_000;
/** Answered own events that a tab remembers before it asks the store which of them are gone. */
const SETTLED_MAX = 1_000;

/** Who wants to know what happens here, besides the watchers of the replicas: the connection, and other tabs. */
export type Ears = {
  /** There is something new to send, and it is saved. */
  owed(): void;
  /** The store took these own events. */
  made(rows: readonly OutboxRow[]): void;
  /** Pending events have other names or times, or the header says something else. */
  renamed(): void;
  /** The server said something. */
  effect(effect: Effect): void;
};

export class LocalState {
  /** The server's clock as it is known here. */
  readonly time: ServerTime;
  ears: Ears = { owed() {}, made() {}, renamed() {}, effect() {} };
  /** Whether these events, if saved now, are sent at once; the connection says. */
  leavesNow: (events: readonly OwnEvent[]) => boolean = () => false;
  /** Called when the store did not take an own event. */
  onUnsaved: (refusal: Refusal) => void = () => {};
  readonly #store: Store;
  readonly #held: Held;
  readonly #serial = new Serial();
  readonly #writeback: Writeback;
  #isMinting = false;
  /** The term in which this tab leads, or led. */
  #term: number;

  /** `contents`: of the store, as it is now. */
  constructor(store: Store, clock: DeviceClock, contents: Contents) {
    this.#store = store;
    this.#held = new Held(contents);
    this.#term = contents.header.term;
    this.#writeback = new Writeback(store);
    this.time = new ServerTime(clock, contents.header.wall_offset_ms);
  }

  /** What a store holds, read. @throws StoreBusy: it cannot be. */
  static async open(store: Store, clock: DeviceClock = new SystemDeviceClock()): Promise<LocalState> {
    return new LocalState(store, clock, await store.load());
  }

  /** Who this store writes as, and its clock. */
  get header(): Header {
    return this.#held.header;
  }

  get replicas(): Replicas {
    return this.#held.replicas;
  }

  get outbox(): Outbox {
    return this.#held.outbox;
  }

  // --- what listeners do ---

  /**
   * Make one event: it shows when this returns.
   *
   * @param build - reads what shows, and says what the event is.
   * @throws InvalidEvent, LimitExceeded: the gateway would refuse it; nothing was made.
   * @throws StoreBusy: too many wait for the store; nothing was made.
   */
  act(build: () => Draft): OwnEvent {
    const event = this.#held.make(build(), this.time);
    this.#mintSoon();
    return event;
  }

  /** Make one event that depends on nothing that shows. Throws as `act`. */
  make(draft: Draft): OwnEvent {
    return this.act(() => draft);
  }

  /** Wait until the store has done all that it was asked to. */
  async stored(): Promise<void> {
    await this.#serial.run(async () => undefined);
  }

  // --- what the server says ---

  /** Join a delta. Its cells and its cursor reach the store together. */
  heard({ stream, cells: wire, cursor = null, by = null }: Delta): void {
    const replica = this.replicas.get(stream);
    const cells = cellsOf(wire);
    this.#held.see(by?.t ?? largestT(cells));
    this.replicas.changed(replica.stream, this.#confirm(replica, cells, cursor), by);
    this.#tell(replica, { cells, by });
    this.#flushIfMany();
  }

  /** Take a snapshot in place of what was confirmed. */
  replaced({ stream, cells, cursor }: Replaced): void {
    const replica = this.replicas.get(stream);
    this.#held.see(largestT(cells));
    const changed = replica.replace(cells);
    this.#writeback.replaced(replica.stream, cells);
    this.#moveCursor(replica, cursor);
    this.replicas.changed(replica.stream, changed);
    this.#tell(replica, { cells, isSnapshot: true });
    this.#flushIfMany();
  }

  /**
   * An own event is durable: as admitted, it moves from the pending ones to the confirmed ones. One that was `seen` is only
   * dropped: its cells come, or came, by the cursor.
   *
   * @param isAssembling - a snapshot of the stream is under way, whose cursor will count instead of this one.
   * @returns The event; null where nothing was pending, and nothing has to be.
   * @throws PositionLost: the ack is of an event that is not pending, and its cells will not come by a delta.
   * @throws WriterLost: what was seen under this number is another event. Ours stays pending.
   */
  acked({ stream, writer, seq, t, seen = false, cursor = null }: AckItem, isAssembling: boolean): OwnEvent | null {
    const replica = this.replicas.get(stream);
    this.#held.see(t);
    const isOurs = writer === this.header.writer;
    if (isOurs) this.#held.left(t);
    const event = isOurs ? this.#owed(replica, seq) : null;
    if (event === null) {
      if (seen) return null;
      this.dropCursor(replica.stream);
      throw new PositionLost(`ack of ${writer}.${seq} on ${stream}, which is not pending here`);
    }
    if (seen && !isTheOneSeen(event.pending, writer, t, replica.confirmed)) {
      throw new WriterLost(`another life of this store has sent something else as ${event.id} on ${stream}`);
    }
    this.#settle(event, "admitted");
    const [written, madeT] = [event.cells, event.event.t];
    event.admitted(t);
    const confirmed: ChangedCells = seen ? new Map() : this.#confirm(replica, event.cells, isAssembling ? null : cursor);
    this.replicas.changed(replica.stream, new Map([...confirmed, ...replica.drop(event.n, written)]));
    this.#tell(replica, { cells: seen ? new Map() : event.cells, settled: { n: event.n, outcome: "admitted", t } });
    this.#follow({ madeT, admittedT: t, writer });
    this.#flushIfMany();
    return event;
  }

  /** An own event was refused for good: what it wrote shows no more. null when it was not pending. */
  refused({ stream, seq, reason, message }: Nack, outcome: Outcome = "refused"): OwnEvent | null {
    const replica = this.replicas.get(stream);
    const event = this.#owed(replica, seq);
    if (event === null) return null;
    event.refusal = { reason, message };
    this.#settle(event, outcome);
    this.replicas.changed(replica.stream, replica.drop(event.n, event.cells));
    this.#tell(replica, { settled: { n: event.n, outcome, t: event.event.t } });
    return event;
  }

  /** Ask for a snapshot next time. */
  dropCursor(stream: string): void {
    this.#moveCursor(this.replicas.get(stream), null);
  }

  /** Refuse to mix two accounts in one store. @throws OtherAccount: the store belongs to another one. */
  checkAccount(account: string): void {
    const ours = this.header.account;
    if (ours === null || ours === account) return;
    throw new OtherAccount(`store ${this.#store.name} belongs to account ${ours}, the token to ${account}`);
  }

  /**
   * Begin to write as this login: what is pending is restamped, and renumbered where the writer is another.
   *
   * Call it when every stream with pending events has caught up: then those that a former life of this store has sent
   * already are found among the confirmed cells, and not sent a second time.
   *
   * @throws StoreBusy: nothing has changed.
   */
  async identify(login: Login): Promise<void> {
    await this.#rename((header, outbox) => {
      const known = { ...header, seen_t: Math.max(header.seen_t, this.header.seen_t) };
      return identified({ header: known, outbox }, login, this.#reconnect(known), (event) =>
        isAdmitted(event, header.writer, this.replicas.get(event.stream).confirmed),
      );
    });
  }

  // --- the store ---

  /** Write what the server confirmed to the store. @throws StoreBusy: it is kept, and goes with the next flush. */
  flush(): Promise<void> {
    return this.#serial.run(() => this.#flushNow());
  }

  /** Whether `flush` has anything to do. */
  get hasUnsaved(): boolean {
    return this.#writeback.size > 0;
  }

  /**
   * These leave the device now; their times are fixed from here on. Wait for it before they do: what they are called may
   * have changed until then.
   *
   * @throws StoreBusy: they must not leave.
   */
  markSent(events: readonly OwnEvent[]): Promise<void> {
    return this.#serial.run(async () => {
      const fresh = events.filter(({ outcome, pending }) => outcome === "pending" && !pending.sent);
      if (fresh.length === 0) return;
      const sentT = fresh.reduce((last, { event }) => Math.max(last, event.t), this.header.sent_t);
      await this.#store.markSent(fresh.map(({ n }) => n), sentT, this.#term);
      this.#held.sent(fresh);
    });
  }

  /** Remember which detached session the listener has left; see `Header.left_epoch`. */
  async leave(epoch: string | null): Promise<void> {
    this.#held.leave(epoch);
    await this.#serial.run(() => this.#store.leave(epoch));
    this.ears.renamed();
  }

  // --- other tabs ---

  /** Take in own events that another tab has saved. */
  adopt(rows: readonly OutboxRow[]): Promise<void> {
    return this.#serial.run(async () => {
      if (!this.#held.adopt(rows)) await this.#readLedgerNow();
      this.ears.owed();
    });
  }

  /** Show what the tab that holds the connection was told by the server. Nothing of it goes to the store from here. */
  followEffect({ stream, cells, isSnapshot, by, settled }: Effect): Promise<void> {
    return this.#serial.run(async () => {
      const replica = this.replicas.get(stream);
      this.#held.see(by?.t ?? largestT(cells));
      const changed = new Map(isSnapshot ? replica.replace(new Map(cells)) : replica.confirm(cells));
      const event = settled === null ? null : this.#held.settleN(settled.n, settled.outcome);
      if (event !== null && settled !== null) {
        for (const [key, cell] of replica.drop(event.n, event.cells)) changed.set(key, cell);
        if (settled.outcome === "admitted") event.admitted(settled.t);
      }
      this.replicas.changed(replica.stream, changed, by);
      if (this.#held.settledCount > SETTLED_MAX) await this.#readLedgerNow();
    });
  }

  /** Lead from now on: of all tabs this one writes what the server confirms. Returns the term. @throws StoreBusy */
  take(): Promise<number> {
    return this.#serial.run(async () => (this.#term = await this.#store.take()));
  }

  /** Read own events and the header from the store again: another tab has renamed them. */
  readLedger(): Promise<void> {
    return this.#serial.run(() => this.#readLedgerNow());
  }

  /** Read everything from the store again, as before this tab begins to hold the connection. */
  reload(): Promise<void> {
    return this.#serial.run(async () => {
      const contents = await this.#store.load();
      this.#writeback.forget();
      this.#held.takeAll(contents);
      this.time.follow(contents.header.wall_offset_ms);
    });
  }

  /** Write what is left, and close the store. Twice is harmless. @throws StoreBusy: not all of it was written. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#store.close();
    }
  }

  // --- inside: own events ---

  /** Save what is made in this turn of the event loop, in one transaction. */
  #mintSoon(): void {
    if (this.#isMinting) return;
    this.#isMinting = true;
    void this.#serial.run(async () => {
      this.#isMinting = false;
      await this.#mintUnsaved();
    });
  }

  async #mintUnsaved(): Promise<void> {
    while (this.outbox.unsaved.size > 0) {
      const batch = [...this.outbox.unsaved].slice(0, EMIT_EVENTS_MAX);
      const sent = this.leavesNow(batch);
      const rows = batch.map((event) => ({ ...event.pending, sent, n: event.n }));
      try {
        const ledger = await this.#store.mint({ generation: this.header.generation, after: rows[0]!.n - 1, rows });
        if (ledger !== null) {
          this.#held.rebase(ledger, "gone");
          continue;
        }
      } catch (error) {
        if (!(error instanceof SyncdError)) throw error;
        this.#takeBack(error);
        return;
      }
      this.outbox.saved(batch);
      if (sent) this.#held.sent(batch);
      this.ears.made(rows);
      this.ears.owed();
    }
  }

  #takeBack(error: SyncdError): void {
    for (const { pending } of this.#held.takeBack(error)) {
      const { stream, kind } = pending;
      this.onUnsaved({ stream, kind, reason: error.code, message: error.message, reissued: false });
    }
  }

  /** The own event that a server can mean by this seq: one that is not saved yet never left, and may get another. */
  #owed({ stream }: Replica, seq: number): OwnEvent | null {
    const event = this.outbox.find(stream, seq);
    return event?.isSaved ? event : null;
  }

  #settle(event: OwnEvent, outcome: Outcome): void {
    this.#held.settle(event, outcome);
    this.#writeback.answered(event.n);
  }

  // --- inside: names ---

  /** An own event was admitted with another time: those that never left may have to change with it. */
  #follow(admission: Admission): void {
    const isNeeded =
      admission.madeT !== admission.admittedT && [...this.outbox].some((event) => concerns(admission, event.pending));
    if (!isNeeded) return;
    const rename = this.#rename((header, outbox) => ({
      header,
      outbox: followed(outbox, admission, this.#reconnect({ ...header, sent_t: this.header.sent_t })),
    }));
    rename.catch(onlyBusy); // the gateway raises the times itself then
  }

  /** Rewrite what is pending, in the store and here. What is left out was admitted. */
  #rename(transform: Transform): Promise<void> {
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

  async #readLedgerNow(): Promise<void> {
    const ledger = await this.#store.ledger();
    this.#held.rebase(ledger, "gone");
    this.time.follow(ledger.header.wall_offset_ms);
  }

  #reconnect({ sent_t }: Header): Reconnect {
    const { time } = this;
    const [server_now_ms, monotonic_ms] = [time.nowMs(), time.monotonicMs()];
    return { server_now_ms, offset_ms: time.wallOffsetMs, monotonic_ms, boot: time.boot, sent_t };
  }

  // --- inside: what the server confirmed ---

  #confirm(replica: Replica, cells: Cells, cursor: string | null): ChangedCells {
    const changed = replica.confirm(cells);
    this.#writeback.confirmed(replica.stream, Array.from(cells.keys(), (key) => [key, replica.confirmed.get(key)!]));
    if (cursor !== null) this.#moveCursor(replica, cursor);
    return changed;
  }

  #moveCursor(replica: Replica, cursor: string | null): void {
    replica.cursor = cursor;
    this.#writeback.cursor(replica.stream, cursor);
  }

  #tell({ stream }: Replica, { cells = new Map(), isSnapshot = false, by = null, settled = null }: Partial<Effect>): void {
    this.ears.effect({ stream, cells, isSnapshot, by, settled });
  }

  async #flushNow(): Promise<void> {
    const { seen_t, sent_t } = this.header;
    const clocks = { seen_t, sent_t, wall_offset_ms: this.time.wallOffsetMs };
    this.#held.forgetSettled(await this.#writeback.flush(clocks, this.#term));
  }

  /** What cannot be written stays where it is, and goes with the flush that the connection has planned anyway. */
  #flushIfMany(): void {
    if (this.#writeback.size >= UNSAVED_ROWS_MAX) this.flush().catch(onlyBusy);
  }
}

/** What the connection meets itself, at its next flush. */
function onlyBusy(error: unknown): void {
  if (!(error instanceof StoreBusy || error instanceof FencedOut)) throw error;
}

/** The largest time of any event behind these cells, as far as their ranks tell: those of registers do. */
export function largestT(cells: ReadonlyCells): number {
  let largest = 0;
  for (const { rank } of cells.values()) if (rank.length === STAMP_LENGTH) largest = Math.max(largest, stampT(rank));
  return largest;
}
