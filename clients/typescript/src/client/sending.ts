/**
 * Which own events leave next, on one connection.
 *
 * Events leave in the order they were made, over all streams: admission lets a writer's times only rise, so an event of
 * one stream that overtook an older one of another would make the older one late. An event that is not in the store yet
 * holds up those behind it; so does one whose stream is not in step, and one that was told `unavailable`, until it is
 * tried again.
 *
 * Numbers that the server knows already go first, and alone, until all of them are answered. An answer may tell that
 * another life of this store has used them for something else: then everything gets other names, and nothing may be under
 * way that was called by the old ones.
 */
import { EMIT_EVENTS_MAX, FRAME_BYTES_MAX } from "../limits.js";
import { canonical, utf8Bytes } from "../model/canonical.js";
import type { ClientSession } from "../protocol/client_session.js";
import type { EmittedEvent } from "../schemas/messages.js";
import type { Outbox } from "./outbox.js";
import type { OwnEvent } from "./own_event.js";

/** Events without an answer on one connection: as many acks as a gateway keeps for a slow reader. */
const IN_FLIGHT_MAX = EMIT_EVENTS_MAX;
/** Of the events' data in one emit; envelopes fit in the other half, and so does one event of the largest size. */
const EMIT_BYTES_MAX = FRAME_BYTES_MAX / 2;
/** After the first `unavailable`, in ms; doubled each time. */
const RETRY_MS_FIRST = 500;
/** However long the log is away, it is asked again this often. */
const RETRY_MS_MAX = 10_000;

export class Sending {
  /** Whether this connection may send at all: we know who we are, and everything owed is in step. */
  hasBegun = false;
  #known: OwnEvent[] = [];
  readonly #retries = new Map<string, number>();
  readonly #notBeforeMs = new Map<string, number>();

  constructor(
    readonly outbox: Outbox,
    readonly session: ClientSession,
    readonly rng: () => number,
  ) {}

  /** All that is owed is in step, and has the names it will be sent with: from now on it may leave. */
  begin(): void {
    const held = this.session.nextSeqs;
    this.#known = [...this.outbox].filter(({ isSaved, pending: { stream, seq } }) => isSaved && seq < (held.get(stream) ?? 1));
    this.hasBegun = true;
  }

  /** The events of the next emit; empty when nothing may leave now. */
  next(nowMs: number): OwnEvent[] {
    const batch: OwnEvent[] = [];
    const room = IN_FLIGHT_MAX - this.session.eventsInFlight;
    let size = 0;
    for (const event of this.#knownFirst()) {
      const { stream, seq, data } = event.pending;
      if (this.session.isInFlight(stream, seq)) continue;
      if (batch.length >= room || !event.isSaved || !this.isOpen(stream, nowMs)) break;
      size += utf8Bytes(canonical(data));
      if (batch.length > 0 && size > EMIT_BYTES_MAX) break;
      batch.push(event);
    }
    return batch;
  }

  /** Whether events of this stream may leave now. */
  isOpen(stream: string, nowMs: number): boolean {
    const state = this.session.streams.get(stream);
    // A refused stream takes its events' answers all the same: the gateway says why, event by event.
    const takes = state === "live" || state === "refused";
    return this.hasBegun && takes && nowMs >= (this.#notBeforeMs.get(stream) ?? nowMs);
  }

  /** Whether these events, the first that are not saved, are sent as soon as they are: nothing waits before them. */
  leaveNow(events: readonly OwnEvent[], nowMs: number): boolean {
    const saved = this.outbox.size - this.outbox.unsaved.size;
    const isFirst = saved === this.session.eventsInFlight && this.#knownFirst() === this.outbox;
    return isFirst && events.every(({ pending }) => this.isOpen(pending.stream, nowMs));
  }

  /** The log did not take an event of this stream: wait before trying again. */
  unavailable(stream: string, nowMs: number): void {
    const retries = (this.#retries.get(stream) ?? 0) + 1;
    this.#retries.set(stream, retries);
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** Math.min(retries - 1, 16));
    this.#notBeforeMs.set(stream, nowMs + delayMs * (0.5 + this.rng() / 2));
  }

  /** An event of this stream was taken. */
  answered(stream: string): void {
    if (this.#retries.delete(stream)) this.#notBeforeMs.delete(stream);
  }

  /** How long until a stream that was told `unavailable` may be tried again, in ms; null when there is none. */
  waitMs(nowMs: number): number | null {
    const waits = [...this.#notBeforeMs.values()].filter((untilMs) => untilMs > nowMs).map((untilMs) => untilMs - nowMs);
    return waits.length === 0 ? null : Math.min(...waits);
  }

  /** What may leave: while the server has not answered for what it knows, only that. */
  #knownFirst(): Iterable<OwnEvent> {
    this.#known = this.#known.filter(({ outcome }) => outcome === "pending");
    return this.#known.length > 0 ? this.#known : this.outbox;
  }
}

/** An own event as it travels. */
export function wireEvent({ pending: { stream, seq, t, kind, data, valid_ms } }: OwnEvent): EmittedEvent {
  return { stream, seq, t, kind, data, valid_ms };
}
