/** Writes to the store what the server confirmed, soon after it came. */
import { StoreBusy } from "../errors.js";
import type { LocalState } from "./local_state.js";

/** How long confirmed changes may wait for the store, so that a burst of deltas is one transaction. */
const FLUSH_MS = 50;
/** How long until the next attempt after one that the store did not take. */
const RETRY_MS = 1_000;

export class Flusher {
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isOver = false;

  /** `fail`: called with what ends the connection. */
  constructor(
    readonly state: LocalState,
    readonly fail: (error: unknown) => void,
  ) {}

  /** Something may have to be written. */
  soon(): void {
    if (this.state.hasUnsaved) this.#in(FLUSH_MS);
  }

  /** What is left is written by whoever closes the store, or comes again by the cursor. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer ?? undefined);
  }

  #in(delayMs: number): void {
    if (this.#timer === null && !this.#isOver) this.#timer = setTimeout(() => void this.#flush(), delayMs);
  }

  async #flush(): Promise<void> {
    this.#timer = null;
    try {
      await this.state.flush();
    } catch (error) {
      // Nothing is lost: the cursor in the store is behind the cells there, and the next flush takes it all.
      if (error instanceof StoreBusy) this.#in(RETRY_MS);
      else this.fail(error);
    }
  }
}
