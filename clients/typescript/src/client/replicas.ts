/** All streams of a device by name, and those who want to know when one of them shows something new. */
import { InvalidEvent } from "../errors.js";
import { isStream } from "../model/ids.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import type { By } from "../schemas/messages.js";
import { Change, type ChangedCells } from "./change.js";
import { Replica } from "./replica.js";

export type Watcher = (change: Change) => void;

/** See the first line. */
export class Replicas {
  /** Whose `a:me` is; null while the store has never been online. */
  account: string | null = null;
  readonly #byStream = new Map<string, Replica>();
  readonly #watchers = new Set<Watcher>();

  [Symbol.iterator](): IterableIterator<Replica> {
    return this.#byStream.values();
  }

  /** The account's own stream. */
  get own(): Replica {
    return this.get(OWN_STREAM);
  }

  /** The replica of a stream; an empty one where nothing is known yet. @throws InvalidEvent: that is no stream. */
  get(name: string): Replica {
    const stream = this.account !== null && name === `a:${this.account}` ? OWN_STREAM : name;
    const there = this.#byStream.get(stream);
    if (there !== undefined) return there;
    if (!isStream(stream)) {
      const allowed = "a stream is a:me or p:<playlist, 16 characters or more>";
      throw new InvalidEvent(`${JSON.stringify(stream.slice(0, 100))} is no stream; ${allowed}`);
    }
    const fresh = new Replica(stream);
    this.#byStream.set(stream, fresh);
    return fresh;
  }

  /** Call `watcher` with every change, in order, where it happens: be quick. Returns what ends that. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Tell the watchers, if anything changed. */
  changed(stream: string, cells: ChangedCells, by: By | null = null): void {
    if (cells.size === 0) return;
    const change = new Change(stream, cells, by);
    for (const watcher of [...this.#watchers]) watcher(change);
  }
}
