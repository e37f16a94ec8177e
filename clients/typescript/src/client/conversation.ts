/**
 * What a device and a gateway say to each other over one connection, from hello to the end.
 *
 *     hello, welcome -> every stream catches up -> (identify) -> own events leave, deltas and answers come
 *
 * Messages are taken in as they come. What leaves waits for the store, and for the socket to drain. Whatever goes wrong
 * anywhere ends the whole, with the reason as an exception of `run`.
 */
import { Unavailable, WriterLost } from "../errors.js";
import { FRAME_BYTES_MAX, SUBSCRIPTIONS_MAX } from "../limits.js";
import { ClientSession, OWN_STREAM, type Heard, type StreamState } from "../protocol/client_session.js";
import type { Codec, Payload } from "../protocol/codec.js";
import type { Digest, Drain, Nack, StreamClaim, Welcome } from "../schemas/messages.js";
import type { Refusal } from "./change.js";
import { Flusher } from "./flusher.js";
import type { Link, LinkListener } from "./link.js";
import type { LocalState } from "./local_state.js";
import type { OwnEvent } from "./own_event.js";
import { Pulse } from "./pulse.js";
import type { Reissue } from "./reissue.js";
import type { Login } from "./renaming.js";
import { Sending, wireEvent } from "./sending.js";

/** While so much waits in the socket nothing is added to it. */
const WAITING_BYTES_MAX = 2 * FRAME_BYTES_MAX;
/** How often a full socket is looked at; browsers do not tell when it has drained. */
const DRAIN_POLL_MS = 50;

/** Who wants to know how a conversation goes. */
export type ConversationListener = {
  /** Something came, and was taken in. */
  said(heard: Heard): void;
  /** Streams may have caught up, or own events been answered. */
  stepped(): void;
  /** An own event was refused for good. */
  refused(refusal: Refusal): void;
  /** The streams to be subscribed to, the most important first. */
  wanted(): Iterable<string>;
};

type Digesting = { resolve(digest: Digest): void; reject(error: Unavailable): void };

export class Conversation {
  /** What the server asked for before it goes down. */
  drain: Drain | null = null;
  readonly #session: ClientSession;
  readonly #sending: Sending;
  readonly #pulse: Pulse;
  readonly #flusher: Flusher;
  readonly #over: Promise<never>;
  #end!: (reason: unknown) => void;
  #isOver = false;
  #link: Link | null = null;
  #login: Login | null = null;
  #liveSinceMs = 0;
  #helloSentMs = 0;
  #barrierMs: number | null = null;
  #isIdentifying = false;
  #isSending = false;
  #wakeUp: ReturnType<typeof setTimeout> | null = null;
  readonly #digests = new Map<string, Digesting[]>();

  constructor(
    readonly state: LocalState,
    readonly reissue: Reissue,
    readonly codec: Codec,
    readonly listener: ConversationListener,
    rng: () => number,
  ) {
    this.#session = new ClientSession(codec);
    this.#sending = new Sending(state.outbox, this.#session, rng);
    this.#pulse = new Pulse(this.#session, state.time, () => void this.#ping(), (lost) => this.#end(lost)); // prettier-ignore
    this.#flusher = new Flusher(state, (error) => this.#end(error));
    this.#over = new Promise((_, reject) => {
      this.#end = (reason) => {
        this.#isOver = true;
        reject(reason);
      };
    });
    this.#over.catch(() => undefined); // whoever runs it hears of it; before that nobody needs to
  }

  /**
   * Open a connection and talk until it ends, which it always does with one of the following.
   *
   * @param open - makes the link.
   * @param withWriter - false asks for a fresh one.
   * @throws LinkClosed: the connection ended; its code says what to do next.
   * @throws WriterLost: come back without the writer.
   * @throws OtherAccount: the store belongs to another account than the token.
   * @throws ProtocolError, PositionLost: the server said what cannot be.
   * @throws StoreBusy: the local store takes nothing.
   * @throws whatever `stop` is given, and whatever `open` throws.
   */
  async run(
    open: (listener: LinkListener) => Promise<Link>,
    hello: { token: string; client: string; withWriter: boolean },
  ): Promise<never> {
    try {
      const opening = open({
        message: (payload) => this.#guarded(() => this.#read(payload)),
        closed: (reason) => this.#end(reason),
      });
      void opening.then((link) => (this.#isOver ? link.close() : undefined)).catch(() => undefined); // told below
      this.#link = await Promise.race([opening, this.#over]);
      this.#sayHello(hello.token, hello.client, hello.withWriter);
      this.state.leavesNow = (events) => this.#sending.leaveNow(events, this.#nowMs);
      this.#pulse.start();
      return await this.#over;
    } finally {
      this.#isOver = true;
      this.state.leavesNow = () => false;
      this.#pulse.stop();
      this.#flusher.stop();
      clearTimeout(this.#wakeUp ?? undefined);
      this.#session.close();
      this.#link?.close();
      this.#endDigests();
    }
  }

  /** End it, for a reason that `run` throws. */
  stop(reason: unknown): void {
    this.#end(reason);
  }

  /** There is something new to send, or another stream is wanted. */
  wake(): void {
    this.#guarded(() => this.#step());
  }

  /** Find out now whether the connection still stands: the network changed, or the page came back. */
  probe(): void {
    if (!this.#isOver) this.#pulse.probe();
  }

  /** How long ago the welcome came, in ms; null when it did not. */
  get livedMs(): number | null {
    return this.#login === null ? null : this.#nowMs - this.#liveSinceMs;
  }

  /** How long the server wants us to stay away from now on, in ms, after it said that it goes down. */
  get drainWaitMs(): number {
    return Math.max(0, this.#pulse.leaveAtMs - this.#nowMs);
  }

  /** Whether own events leave: all that is owed was in step, and we know who we are. */
  get isSending(): boolean {
    return this.#sending.hasBegun;
  }

  /** How far a stream has come on this connection; undefined when it was not asked for. */
  stateOf(stream: string): StreamState | undefined {
    return this.#session.streams.get(stream);
  }

  /** The server's digest of a stream. @throws Unavailable: it is not in step, or the connection ended before the answer. */
  digest(stream: string): Promise<Digest> {
    return new Promise((resolve, reject) => {
      if (this.#isOver || this.stateOf(stream) !== "live") {
        reject(new Unavailable(`stream ${stream} is not in step with the server`));
        return;
      }
      const waiting = this.#digests.get(stream) ?? [];
      this.#digests.set(stream, [...waiting, { resolve, reject }]);
      this.#say(this.#session.digest(stream, this.#nowMs));
    });
  }

  /** Drop the stream's cursor, and have the whole of it sent again. */
  takeAgain(stream: string): void {
    this.state.dropCursor(stream);
    this.#say(this.#session.unsubscribe(stream));
    this.wake();
  }

  // --- what the server says ---

  #read(payload: string | Uint8Array): void {
    this.#pulse.heard();
    const heard = this.#session.receive(payload);
    if (heard !== null) {
      this.#take(heard);
      this.listener.said(heard);
    }
    this.#step();
  }

  #take(heard: Heard): void {
    switch (heard.type) {
      case "welcome":
        this.#welcomed(heard);
        break;
      case "delta":
        this.state.heard(heard);
        break;
      case "replaced":
        this.state.replaced(heard);
        break;
      case "acked":
        for (const item of heard.items) {
          const event = this.state.acked(item, this.#session.isAssembling(item.stream));
          if (event !== null && item.seen !== true) this.#session.confirm(item.stream, event.cells);
          this.#sending.answered(item.stream);
        }
        break;
      case "nack":
        this.#refused(heard);
        break;
      case "pong":
        this.state.time.measure(heard.sent_ms, heard.now_ms);
        if (heard.sent_ms === this.#barrierMs) this.#barrierMs = null;
        break;
      case "digest":
        for (const { resolve } of this.#digests.get(heard.stream) ?? []) resolve(heard);
        this.#digests.delete(heard.stream);
        break;
      case "drain":
        this.drain = heard;
        this.#pulse.leaveAtMs = this.#nowMs + heard.reconnect_after_ms;
        break;
      default: // errors, presence and ended subscriptions are the listener's to judge
    }
    this.#flusher.soon();
  }

  #welcomed({ account, device, writer, now_ms, streams }: Welcome): void {
    this.state.checkAccount(account);
    this.state.time.measure(this.#helloSentMs, now_ms);
    this.#login = { account, device, writer };
    this.#liveSinceMs = this.#nowMs;
    this.#pulse.live();
    const isFresh = this.state.header.writer !== writer;
    const mustKnowAll = (isFresh && this.state.outbox.size > 0) || this.reissue.missesPlaces();
    if (mustKnowAll && streams.some(({ resume }) => resume === "tail")) {
      // Before anything is renumbered, or made again elsewhere, we must know all that the server has. Snapshots and cells
      // say when they are complete; a tail does not, but what is answered to this comes after it.
      this.#barrierMs = this.#ping();
    }
  }

  #refused(nack: Nack): void {
    const { stream, reason, expect = null } = nack;
    switch (reason) {
      case "gap":
        if (this.state.outbox.streams.has(stream) && this.state.outbox.find(stream, expect ?? 0) === undefined) {
          throw new WriterLost(`the server expects ${stream} ${expect}, which is not held any more`);
        }
        break;
      case "unavailable":
        this.#sending.unavailable(stream, this.#nowMs);
        break;
      case "revoked":
        this.#sending.hasBegun = false; // the socket will close with 4201; what is pending stays
        break;
      default: {
        const refusal = this.reissue.refused(nack);
        if (refusal !== null) this.listener.refused(refusal);
      }
    }
  }

  // --- what we say ---

  #sayHello(token: string, client: string, withWriter: boolean): void {
    const { nonce, writer, account } = this.state.header;
    const streams = this.#wanted().map((stream) => this.#claim(stream));
    this.#helloSentMs = this.state.time.monotonicMs();
    const named = withWriter ? (account === null ? { proposal: writer } : { writer }) : {};
    const hello = { token, nonce, client, now_ms: this.state.time.wallMs(), streams, ...named };
    this.#say(this.#session.hello(hello, this.#nowMs));
  }

  #claim(stream: string): StreamClaim {
    const { cursor, lastSeq } = this.state.replicas.get(stream);
    return { stream, cursor, last_seq: lastSeq === 0 ? null : lastSeq };
  }

  /** What to be subscribed to: the listener's streams, and those that own events wait for. */
  #wanted(): string[] {
    const owed = [...this.state.outbox.streams].sort();
    return [...new Set([OWN_STREAM, ...owed, ...this.listener.wanted()])].slice(0, SUBSCRIPTIONS_MAX);
  }

  /** Go on as far as we can: subscribe to what is wanted, and begin to send once all that is owed is in step. */
  #step(): void {
    if (this.#login === null || this.#isOver) return;
    this.#subscribe();
    if (this.#sending.hasBegun) void this.#send();
    else if (!this.#isIdentifying && this.#barrierMs === null && this.#isOwedInStep) void this.#identify(this.#login);
    this.listener.stepped();
  }

  get #isOwedInStep(): boolean {
    return [...this.state.outbox.streams].every((stream) => ["live", "refused"].includes(this.stateOf(stream) ?? ""));
  }

  #subscribe(): void {
    const wanted = new Set(this.#wanted());
    for (const stream of wanted) {
      if (this.stateOf(stream) === undefined) this.#say(this.#session.subscribe(this.#claim(stream), this.#nowMs));
    }
    for (const stream of [...this.#session.streams.keys()]) {
      if (!wanted.has(stream)) this.#say(this.#session.unsubscribe(stream));
    }
  }

  async #identify(login: Login): Promise<void> {
    this.#isIdentifying = true;
    try {
      await this.state.identify(login);
      if (this.#isOver) return;
      for (const refusal of this.reissue.rehome()) this.listener.refused(refusal);
      this.#sending.begin();
      this.#step();
    } catch (error) {
      this.#end(error);
    } finally {
      this.#isIdentifying = false;
    }
  }

  /** Let own events leave, each marked as sent in the store before it does. */
  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
        await this.state.markSent(batch);
        if (this.#isOver) return;
        // Names may have changed meanwhile, so they are asked for now; what is not pending any more is left out.
        const events = batch.filter((event) => this.state.outbox.get(event.n) === event).map(wireEvent);
        if (events.length > 0) this.#say(this.#session.emit(events, this.#nowMs));
      }
      this.#wakeIn(this.#isFull ? DRAIN_POLL_MS : this.#sending.waitMs(this.#nowMs));
    } catch (error) {
      this.#end(error);
    } finally {
      this.#isSending = false;
    }
  }

  #nextBatch(): OwnEvent[] {
    return this.#isFull ? [] : this.#sending.next(this.#nowMs);
  }

  get #isFull(): boolean {
    return (this.#link?.waitingBytes ?? 0) > WAITING_BYTES_MAX;
  }

  #ping(): number {
    const sentMs = this.state.time.monotonicMs();
    this.#say(this.#session.ping(sentMs, this.#nowMs));
    return sentMs;
  }

  #say(payload: Payload): void {
    this.#link?.send(payload);
  }

  // --- inside ---

  get #nowMs(): number {
    return this.state.time.monotonicMs();
  }

  #guarded(work: () => void): void {
    if (this.#isOver) return;
    try {
      work();
    } catch (error) {
      this.#end(error);
    }
  }

  #wakeIn(delayMs: number | null): void {
    if (delayMs === null || this.#isOver) return;
    clearTimeout(this.#wakeUp ?? undefined);
    this.#wakeUp = setTimeout(() => this.wake(), delayMs);
  }

  #endDigests(): void {
    const ended = new Unavailable("the connection ended before the server told its digest");
    for (const { reject } of [...this.#digests.values()].flat()) reject(ended);
    this.#digests.clear();
  }
}
