/**
 * The client's side of one connection, without the connection: what was asked, what came, what is overdue.
 *
 *     opening --hello()--> greeting --welcome--> live --close()--> closed
 *
 * and, for each stream of the connection,
 *
 *     asked --welcome, subscribed--> catching up --last part, cursor--> live
 *           --tail-------------------------------------------------------^
 *     (any) --error or unsubscribed that names it--> refused
 *
 * The session assembles snapshots: their parts are kept aside, deltas and own events that arrive meanwhile are joined into
 * them, and the whole comes out as one `Replaced`. It watches what was asked and not answered, so that whoever owns the
 * socket can give it up after `ANSWER_TIMEOUT_MS`. What messages mean for a device's state is the client's business.
 *
 * In every message that leaves here the caller's own account stream is called `a:me`, whatever its account.
 * Source: design.md section 6.
 */
import { UnexpectedMessage } from "../errors.js";
import type { Json } from "../model/canonical.js";
import { fold, type Cells } from "../model/cells.js";
import type {
  Ack,
  AckItem,
  ClientMessage,
  Delta,
  EmittedEvent,
  ErrorMessage,
  Hello,
  Nack,
  ServerMessage,
  Snapshot,
  StreamClaim,
  Unsubscribed,
  Welcome,
} from "../schemas/messages.js";
import type { Codec, Payload } from "./codec.js";

/** How a client names its own account's stream, before and after it knows the account. */
export const OWN_STREAM = "a:me";
/** From a question to its answer; then reconnect and ask again. */
export const ANSWER_TIMEOUT_MS = 10_000;

export type SessionState = "opening" | "greeting" | "live" | "closed";
export type StreamState = "asked" | "catching up" | "live" | "refused";

/** A snapshot is complete: its cells replace the confirmed ones of the stream. Pending events stay. */
export type Replaced = {
  readonly type: "replaced";
  readonly stream: string;
  readonly cells: Cells;
  readonly cursor: string | null;
};
/** Several acks, or one, under the names this side uses. */
export type Acked = { readonly type: "acked"; readonly items: readonly AckItem[] };
/** What a message means to a client. */
export type Heard = Exclude<ServerMessage, Ack | Snapshot> | Acked | Replaced;

type Asked = { readonly what: string; readonly stream: string; readonly seq: number; readonly atMs: number };
type Assembly = { parts: number; readonly cells: Cells };

/** Writes what a client says, reads what a server answers. `nowMs` is of a monotonic clock, everywhere. */
export class ClientSession {
  /** What is known of each stream asked for on this connection, by its own name. */
  readonly streams = new Map<string, StreamState>();
  /** Below which seq the server had our writer's events when it took us in, by stream. */
  readonly nextSeqs = new Map<string, number>();
  /** Whose connection it is; null before the welcome. */
  account: string | null = null;
  #state: SessionState = "opening";
  readonly #events = new Map<string, Asked>();
  readonly #questions = new Map<string, Asked>();
  readonly #aside = new Map<string, Assembly>();

  constructor(readonly codec: Codec) {}

  get state(): SessionState {
    return this.#state;
  }

  // --- what the client says ---

  /** The first message. */
  hello(hello: Omit<Hello, "type">, nowMs: number): Payload {
    this.#state = "greeting";
    for (const { stream } of hello.streams) this.streams.set(stream, "asked");
    return this.#ask({ type: "hello", ...hello }, "hello", "", nowMs);
  }

  /** Events, at most `EMIT_EVENTS_MAX`. Each is overdue `ANSWER_TIMEOUT_MS` from now. */
  emit(events: readonly EmittedEvent[], nowMs: number): Payload {
    for (const { stream, seq } of events) {
      this.#events.set(`${stream} ${seq}`, { what: "event", stream, seq, atMs: nowMs });
    }
    return this.codec.encode({ type: "emit", events });
  }

  /** Ask for one more stream. */
  subscribe(claim: StreamClaim, nowMs: number): Payload {
    this.streams.set(claim.stream, "asked");
    return this.#ask({ type: "subscribe", ...claim }, "subscribe", claim.stream, nowMs);
  }

  /** Let a stream go. What still comes of it may be used. */
  unsubscribe(stream: string): Payload {
    this.streams.delete(stream);
    this.#aside.delete(stream);
    return this.codec.encode({ type: "unsubscribe", stream });
  }

  /** Ask for the server's clock. */
  ping(sentMs: number, nowMs: number): Payload {
    return this.#ask({ type: "ping", sent_ms: sentMs }, "ping", String(sentMs), nowMs);
  }

  /** Ask for the server's digest of a stream. */
  digest(stream: string, nowMs: number): Payload {
    return this.#ask({ type: "digest", stream }, "digest", stream, nowMs);
  }

  // --- what the server answers ---

  /**
   * One message from the server; null for a part of a snapshot that is not complete yet, or what is joined into it.
   *
   * @throws Unreadable: no message of this protocol.
   * @throws UnexpectedMessage: anything but an error before the welcome, a second welcome, a part out of turn.
   */
  receive(payload: string | Uint8Array): Heard | null {
    const read = this.codec.decode(payload);
    if (read === null) return null;
    const message = this.#named(read);
    if (this.#state === "greeting" && message.type !== "welcome" && message.type !== "error") {
      throw new UnexpectedMessage(`${message.type} before the welcome`);
    }
    switch (message.type) {
      case "welcome":
        return this.#welcomed(message);
      case "snapshot":
        return this.#assemble(message);
      case "delta":
        return this.#delta(message);
      case "ack":
        return this.#acked(message);
      case "nack":
        this.#nacked(message);
        return message;
      case "subscribed":
        this.#questions.delete(`subscribe ${message.stream}`);
        this.#resumes(message);
        return message;
      case "unsubscribed":
      case "error":
        this.#refused(message);
        return message;
      case "digest":
        this.#questions.delete(`digest ${message.stream}`);
        return message;
      case "pong":
        this.#questions.delete(`ping ${message.sent_ms}`);
        return message;
      default:
        return message; // presence, drain and views answer nothing
    }
  }

  /** An own event was acknowledged: it belongs to the snapshot that is being assembled, if there is one. */
  confirm(stream: string, cells: Cells): void {
    const assembly = this.#aside.get(stream);
    if (assembly !== undefined) fold(assembly.cells, cells);
  }

  /** Nothing more is expected. */
  close(): void {
    this.#state = "closed";
    this.#events.clear();
    this.#questions.clear();
    this.#aside.clear();
  }

  // --- what is still open ---

  /** What has waited longest for its answer, if that is over `ANSWER_TIMEOUT_MS`: "hello", "event", "subscribe", … */
  overdue(nowMs: number): string | null {
    let oldest: Asked | null = null;
    for (const open of [this.#questions, this.#events]) {
      for (const asked of open.values()) if (oldest === null || asked.atMs < oldest.atMs) oldest = asked;
    }
    return oldest !== null && nowMs - oldest.atMs > ANSWER_TIMEOUT_MS ? oldest.what : null;
  }

  /** Whether an event was sent on this connection and is not answered. */
  isInFlight(stream: string, seq: number): boolean {
    return this.#events.has(`${stream} ${seq}`);
  }

  /** How many events wait for their answer. */
  get eventsInFlight(): number {
    return this.#events.size;
  }

  /** Whether parts of a snapshot of this stream are kept aside. */
  isAssembling(stream: string): boolean {
    return this.#aside.has(stream);
  }

  // --- inside ---

  #ask(message: ClientMessage, what: string, of: string, atMs: number): Payload {
    this.#questions.set(`${what} ${of}`, { what, stream: of, seq: 0, atMs });
    return this.codec.encode(message);
  }

  /** The message with the own stream under its own name. Acks and the welcome name several, and are read later. */
  #named<M extends ServerMessage>(message: M): M {
    const stream = "stream" in message ? message.stream : null;
    return typeof stream === "string" && this.#own(stream) !== stream
      ? { ...message, stream: this.#own(stream) }
      : message;
  }

  #own(stream: string): string {
    return this.account !== null && stream === `a:${this.account}` ? OWN_STREAM : stream;
  }

  #welcomed(welcome: Welcome): Welcome {
    if (this.#state !== "greeting") throw new UnexpectedMessage("a second welcome");
    this.#state = "live";
    this.account = welcome.account;
    this.#questions.delete("hello ");
    const streams = welcome.streams.map((each) => ({ ...each, stream: this.#own(each.stream) }));
    // What the welcome passes over was refused, or is beyond the server's bound.
    for (const stream of this.streams.keys()) this.streams.set(stream, "refused");
    for (const each of streams) this.#resumes(each);
    return { ...welcome, streams };
  }

  #resumes({ stream, resume, next_seq }: Welcome["streams"][number]): void {
    this.streams.set(stream, resume === "tail" ? "live" : "catching up");
    this.nextSeqs.set(stream, next_seq);
  }

  #refused(message: Unsubscribed | ErrorMessage): void {
    const { stream } = message;
    const answersUs = message.type === "unsubscribed" && typeof message.reason !== "string";
    if (typeof stream !== "string" || answersUs) return; // about nothing that we listen to
    this.#questions.delete(`subscribe ${stream}`);
    this.#questions.delete(`digest ${stream}`);
    const state = this.streams.get(stream);
    if (state === "asked" || (state !== undefined && message.type === "unsubscribed")) {
      this.streams.set(stream, "refused");
      this.#aside.delete(stream);
    }
  }

  #assemble({ stream, cells, part, last, cursor = null }: Snapshot): Replaced | null {
    if (part === 0) {
      this.#aside.set(stream, { parts: 0, cells: new Map() });
      this.streams.set(stream, "catching up");
    }
    const assembly = this.#aside.get(stream);
    if (assembly === undefined || part !== assembly.parts) {
      throw new UnexpectedMessage(`part ${part} of the snapshot of ${stream}; ${assembly?.parts ?? 0} was expected`);
    }
    assembly.parts++;
    fold(assembly.cells, cellsOf(cells));
    if (!last) return null;
    this.#aside.delete(stream);
    this.streams.set(stream, "live");
    return { type: "replaced", stream, cells: assembly.cells, cursor };
  }

  #delta(delta: Delta): Delta | null {
    const assembly = this.#aside.get(delta.stream);
    if (assembly !== undefined) {
      fold(assembly.cells, cellsOf(delta.cells));
      return null;
    }
    if (typeof delta.cursor === "string" && this.streams.get(delta.stream) === "catching up") {
      this.streams.set(delta.stream, "live");
    }
    return delta;
  }

  #acked(ack: Ack): Acked {
    const items = itemsOf(ack).map((item) => ({ ...item, stream: this.#own(item.stream) }));
    for (const { stream, seq } of items) this.#events.delete(`${stream} ${seq}`);
    return { type: "acked", items };
  }

  #nacked({ stream, seq, reason, expect }: Nack): void {
    this.#events.delete(`${stream} ${seq}`);
    if (reason !== "gap" && reason !== "unavailable") return;
    // What was sent behind it is dropped without an answer, and has to be sent again.
    const behind = expect ?? seq;
    for (const [key, asked] of this.#events) {
      if (asked.stream === stream && asked.seq >= behind) this.#events.delete(key);
    }
  }
}

/** The acks that an ack carries, in order. */
function itemsOf({ stream, writer, seq, t, seen = false, cursor = null, acks }: Ack): readonly AckItem[] {
  if (acks !== undefined && acks !== null) return acks;
  if (typeof stream !== "string" || typeof writer !== "string" || typeof seq !== "number" || typeof t !== "number") {
    throw new UnexpectedMessage("an ack has stream, writer, seq and t, or acks");
  }
  return [{ stream, writer, seq, t, seen, cursor }];
}

/** The cells of a message; a key that is named twice is joined. */
export function cellsOf(wire: readonly (readonly [string, string, Json])[]): Cells {
  const cells: Cells = new Map();
  fold(cells, wire.map(([key, rank, value]) => [key, { rank, value }] as const));
  return cells;
}
