/**
 * A household in one process: devices with one or two tabs, and a server that is nothing but the rules of merge.md
 * section 1. Every message takes as long as the test wants it to; connections break and tabs are killed in between.
 */
import type { Effect } from "../../src/client/effect.js";
import { Lists } from "../../src/client/lists.js";
import { LocalState } from "../../src/client/local_state.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import type { OwnEvent } from "../../src/client/own_event.js";
import { Reissue } from "../../src/client/reissue.js";
import type { OutboxRow } from "../../src/client/store_rows.js";
import { WriterLost } from "../../src/errors.js";
import { fold, type Cells } from "../../src/model/cells.js";
import type { Event } from "../../src/model/events.js";
import { eventId } from "../../src/model/ids.js";
import { lower } from "../../src/model/lowering/lowering.js";
import { references } from "../../src/model/references.js";
import type { AckItem, Delta, Nack } from "../../src/schemas/messages.js";
import { ACCOUNT, ManualDeviceClock } from "./desk.js";
import { OpenFace } from "./faces.js";

/** What a server has decided about an event: admitted with a time, or refused for good. */
type Verdict = { readonly t: number } | { readonly nack: Nack };
type Message = { readonly type: "acked"; readonly item: AckItem } | Delta | Nack;

/** Admits events of one stream, in any order of writers. */
export class Server {
  readonly cells: Cells = new Map();
  readonly log: Event[] = [];
  readonly #verdicts = new Map<string, Verdict>();
  readonly #lastT = new Map<string, number>();
  readonly #voids = new Set<string>();

  /** `whim` decides what happens to an event that is new: 0 refuses it, some others raise its time. */
  admit(event: Event, whim: number): { readonly verdict: Verdict; readonly seen: boolean } {
    const id = eventId(event.writer, event.seq);
    const known = this.#verdicts.get(id);
    if (known !== undefined) return { verdict: known, seen: true };
    const verdict = this.#judged(event, whim);
    this.#verdicts.set(id, verdict);
    return { verdict, seen: false };
  }

  #judged(event: Event, whim: number): Verdict {
    const { writer, seq, stream } = event;
    const isOrphan = [...references(event.kind, event.data)].some((name) => this.#voids.has(name));
    if (isOrphan || whim === 0) {
      this.#voids.add(eventId(writer, seq));
      return { nack: { type: "nack", stream, seq, reason: isOrphan ? "orphan" : "limit", message: "no" } };
    }
    const t = Math.max(event.t + (whim % 3 === 1 ? 9_000 : 0), (this.#lastT.get(writer) ?? 0) + 1);
    this.#lastT.set(writer, t);
    const admitted = { ...event, t };
    this.log.push(admitted);
    fold(this.cells, lower(admitted));
    return { t };
  }
}

/** A store that takes its time: each transaction is one moment, some turns after it was asked for. */
class SlowStore extends MemoryStore {
  #asked = 0;

  override async mint(mint: Parameters<MemoryStore["mint"]>[0]): ReturnType<MemoryStore["mint"]> {
    await this.#turns();
    return super.mint(structuredClone(mint));
  }

  override async rename(...given: Parameters<MemoryStore["rename"]>): ReturnType<MemoryStore["rename"]> {
    await this.#turns();
    return super.rename(...given);
  }

  override async save(...given: Parameters<MemoryStore["save"]>): Promise<void> {
    await this.#turns();
    return super.save(...given);
  }

  override async markSent(...given: Parameters<MemoryStore["markSent"]>): Promise<void> {
    await this.#turns();
    return super.markSent(...given);
  }

  async #turns(): Promise<void> {
    this.#asked++;
    for (let turn = 0; turn < (this.#asked * 7) % 11; turn++) await Promise.resolve();
  }
}

/** One store, its tabs, and its connection. The first tab holds the connection. */
export class Device {
  readonly clock = new ManualDeviceClock();
  tabs: readonly OpenFace[] = [];
  readonly #store: SlowStore;
  #inbox: Message[] = [];
  #isSending: Promise<void> = Promise.resolve();
  #connection = 0;
  #reissue: Reissue | null = null;

  #writers = 1;

  /** `name`: of one letter. */
  constructor(
    readonly server: Server,
    readonly name: string,
    readonly others: () => readonly Device[],
  ) {
    this.#store = new SlowStore(name);
  }

  get owner(): OpenFace {
    return this.tabs[0]!;
  }

  /** Open one more tab. The one with the connection writes what it knows first. */
  async open(): Promise<void> {
    if (this.tabs.length > 0) await this.owner.state.flush();
    const state = await LocalState.open(this.#store, this.clock);
    const face = new OpenFace(state, { isConnected: () => true });
    const tell = (what: (other: LocalState) => Promise<void>): void => {
      if (this.tabs.includes(face)) for (const each of this.tabs) if (each !== face) void what(each.state);
    };
    state.ears = {
      owed() {},
      made: (rows: readonly OutboxRow[]) => tell((other) => other.adopt(structuredClone(rows))),
      renamed: () => tell((other) => other.readLedger()),
      effect: (effect: Effect) => tell((other) => other.followEffect(structuredClone(effect))),
    };
    this.tabs = [...this.tabs, face];
    if (this.tabs.length === 1) await this.#lead();
  }

  /** The connection breaks: what was under way is lost. A new one catches up, and begins to send. */
  async connect(): Promise<void> {
    this.#connection++;
    const { state } = this.owner;
    const from = Number(state.replicas.own.cursor ?? 0);
    this.#inbox = this.server.log.slice(from).map((event, index) => deltaOf(event, from + index + 1));
    while (this.#inbox.length > 0) await this.receive();
    const writer = this.name + String(this.#writers).padStart(9, "0");
    await state.identify({ writer, device: this.name, account: ACCOUNT });
    this.#reissue = new Reissue(state, new Lists(state));
    this.#reissue.rehome();
  }

  /** The tab with the connection is killed; the other one takes over. */
  async kill(): Promise<void> {
    this.#connection++;
    this.tabs = this.tabs.slice(1);
    await (this.tabs.length === 0 ? this.open() : this.#lead());
  }

  /** The first tab holds the connection from now on; what the one before it still had under way is refused. */
  async #lead(): Promise<void> {
    await this.owner.state.take();
    await this.owner.state.reload();
    await this.connect();
  }

  /** Send the first few own events that are saved and not on their way; the server answers all, sooner or later. */
  async send(count: number, whim: number): Promise<void> {
    const connection = this.#connection;
    const { state } = this.owner;
    const onTheWay = this.#onTheWay;
    const ready = [...state.outbox].filter((event) => event.isSaved && !onTheWay.has(event)).slice(0, count);
    const sending = this.#isSending.then(() => state.markSent(ready));
    this.#isSending = sending;
    await sending;
    if (connection !== this.#connection) return;
    for (const [index, own] of ready.entries()) if (own.outcome === "pending") this.#deliver(own, whim + index);
  }

  /** Take in the oldest message. */
  async receive(): Promise<void> {
    const message = this.#inbox.shift();
    if (message === undefined) return;
    if (message.type === "delta") this.owner.state.heard(message);
    else if (message.type === "nack") this.#reissue?.refused(message);
    else {
      try {
        this.owner.state.acked(message.item, false);
      } catch (error) {
        // What was seen cannot be told from what another life of the store has sent, as when its cell is overwritten.
        if (!(error instanceof WriterLost)) throw error;
        this.#writers++;
        await this.connect();
      }
    }
  }

  /** Everything is said and heard. */
  async settle(): Promise<void> {
    for (let round = 0; round < 6; round++) for (const tab of this.tabs) await tab.state.stored();
    await this.owner.state.readLedger(); // as the one with the connection does now and then: a killed tab tells nobody
    await this.send(Infinity, 2);
    while (this.#inbox.length > 0) await this.receive();
    await this.owner.state.flush();
  }

  get #onTheWay(): ReadonlySet<OwnEvent> {
    const answered = this.#inbox.map((message) => (message.type === "nack" ? message.seq : message.type === "acked" ? message.item.seq : 0));
    return new Set([...this.owner.state.outbox].filter(({ pending }) => answered.includes(pending.seq)));
  }

  #deliver(own: OwnEvent, whim: number): void {
    const event = { ...own.event, data: structuredClone(own.event.data) };
    const { verdict, seen } = this.server.admit(event, whim);
    if ("nack" in verdict) {
      this.#inbox.push(verdict.nack);
      return;
    }
    const cursor = String(this.server.log.length);
    const { stream, writer, seq } = event;
    this.#inbox.push({ type: "acked", item: { stream, writer, seq, t: verdict.t, seen, cursor: seen ? null : cursor } });
    const admitted = this.server.log.at(-1);
    if (seen || admitted === undefined) return;
    for (const other of this.others()) if (other !== this) other.#inbox.push(deltaOf(admitted, this.server.log.length));
  }
}

function deltaOf(event: Event, cursor: number): Delta {
  const cells = Array.from(lower(event), ([key, { rank, value }]) => [key, rank, value] as const);
  const by = { account: ACCOUNT, device: event.writer, kind: event.kind, event: eventId(event.writer, event.seq), t: event.t };
  return { type: "delta", stream: event.stream, cells, cursor: String(cursor), by };
}
