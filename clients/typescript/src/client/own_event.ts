/**
 * One event that this store made, from its making to its answer.
 *
 * It keeps its identity while its names change: a fresh writer renumbers it, a corrected clock restamps it, admission may
 * raise its time, another tab may have taken its number. Whoever holds it, to undo it or to wait for it, always sees what
 * it is called now.
 */
import type { Cells } from "../model/cells.js";
import type { Event } from "../model/events.js";
import { eventId } from "../model/ids.js";
import { lower } from "../model/lowering/lowering.js";
import type { Pending } from "../model/restamp.js";

/**
 * How far an own event got.
 *
 *     pending --ack--> admitted, or --nack--> refused, or --orphan--> reissued as another event
 *
 * gone: another tab of the same store got the answer, and this one does not know which.
 */
export type Outcome = "pending" | "admitted" | "refused" | "reissued" | "gone";

/** Why an event was refused for good. `reason`: as in `Refusal`. */
export type WhyRefused = { readonly reason: string; readonly message: string };

export class OwnEvent {
  outcome: Outcome = "pending";
  /** The answer of an event that was refused. */
  refusal: WhyRefused | null = null;
  #pending!: Pending;
  #event!: Event;
  #cells!: Cells;

  constructor(
    /** Its place among all that this store ever made, on any stream. */
    public n: number,
    pending: Pending,
    writer: string,
    /** Whether it is in the store; until then its number may still change. */
    public isSaved: boolean,
  ) {
    this.become(pending, writer);
  }

  /** As it was minted or last rewritten. */
  get pending(): Pending {
    return this.#pending;
  }

  /** As it stands now; after admission, as admitted. */
  get event(): Event {
    return this.#event;
  }

  /** What `event` writes. */
  get cells(): Cells {
    return this.#cells;
  }

  /** Its event id now. */
  get id(): string {
    return eventId(this.#event.writer, this.#event.seq);
  }

  /** Take other names, or another time. */
  become(pending: Pending, writer: string): void {
    this.#pending = pending;
    const { stream, seq, t, kind, data } = pending;
    this.#standAs({ stream, writer, seq, t, kind, data });
  }

  /** It leaves the device; its time is fixed from here on. */
  sent(): void {
    this.#pending = { ...this.#pending, sent: true };
  }

  /** It is durable, with this time. */
  admitted(t: number): void {
    this.outcome = "admitted";
    if (t !== this.#event.t) this.#standAs({ ...this.#event, t });
  }

  #standAs(event: Event): void {
    this.#event = event;
    this.#cells = lower(event);
  }
}
