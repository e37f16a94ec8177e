/** Own events without an answer, in the order they were made, on all streams. */
import type { OwnEvent } from "./own_event.js";

/** See the first line. The store holds the same, but for what is not saved yet. */
export class Outbox {
  readonly #byN = new Map<number, OwnEvent>();
  readonly #bySeq = new Map<string, OwnEvent>();
  readonly #counts = new Map<string, number>();
  readonly #unsaved = new Set<OwnEvent>();
  readonly #formerly = new Map<string, OwnEvent>();

  get size(): number {
    return this.#byN.size;
  }

  /** In the order they were made. Do not change the outbox meanwhile. */
  [Symbol.iterator](): IterableIterator<OwnEvent> {
    return this.#byN.values();
  }

  /** Those that are not in the store yet, in the order they were made: always the last ones of all. */
  get unsaved(): ReadonlySet<OwnEvent> {
    return this.#unsaved;
  }

  get(n: number): OwnEvent | undefined {
    return this.#byN.get(n);
  }

  /** The event with this seq on this stream, if it waits here. */
  find(stream: string, seq: number): OwnEvent | undefined {
    return this.#bySeq.get(`${stream} ${seq}`);
  }

  /** The streams that something waits for. */
  get streams(): ReadonlySet<string> {
    return new Set(this.#counts.keys());
  }

  /** Put an event at the end. */
  enter(event: OwnEvent): void {
    const { stream, seq } = event.pending;
    this.#byN.set(event.n, event);
    this.#bySeq.set(`${stream} ${seq}`, event);
    this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
    if (!event.isSaved) this.#unsaved.add(event);
  }

  /** These are in the store now. */
  saved(events: readonly OwnEvent[]): void {
    for (const event of events) {
      event.isSaved = true;
      this.#unsaved.delete(event);
    }
  }

  /** Take an event out: it was answered, or never saved. */
  remove(event: OwnEvent): void {
    const { stream, seq } = event.pending;
    this.#byN.delete(event.n);
    this.#bySeq.delete(`${stream} ${seq}`);
    this.#unsaved.delete(event);
    const left = (this.#counts.get(stream) ?? 0) - 1;
    if (left > 0) this.#counts.set(stream, left);
    else this.#counts.delete(stream);
  }

  /** Take all of them out, to put them in again under other names. */
  takeAll(): OwnEvent[] {
    const all = [...this];
    this.#byN.clear();
    this.#bySeq.clear();
    this.#counts.clear();
    this.#unsaved.clear();
    return all;
  }

  // --- names that somebody may still hold ---

  /** This event was known by another id on its stream, or took the place of one that was. */
  remember(formerId: string, event: OwnEvent): void {
    this.#formerly.set(`${event.pending.stream} ${formerId}`, event);
  }

  /** What an event, a play, an item or a slot is called now. Ids that never changed are returned as they are. */
  nowCalled(stream: string, id: string): string {
    if (this.#formerly.size === 0) return id;
    const [writer = "", seq = "", ...rest] = id.split(".");
    let event = `${writer}.${seq}`;
    for (;;) {
      const now = this.#formerly.get(`${stream} ${event}`)?.id;
      if (now === undefined || now === event) break;
      event = now;
    }
    return seq === "" ? id : [event, ...rest].join(".");
  }
}
