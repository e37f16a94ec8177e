/**
 * Which tab leads: the one that holds a Web Lock. The browser gives the lock to the next in line when its page closes,
 * however it closes; from a page that is frozen it can be stolen.
 *
 * Pages that are not of a secure context (plain http from another machine) have no Web Locks. There nobody waits in line:
 * whoever hears nothing of a leader steals, and the store's fence decides between two who do.
 */

/** The part of `navigator.locks` that is used. */
export type Locks = Pick<LockManager, "request">;

export class Leadership {
  readonly #name: string;
  readonly #locks: Locks | null;
  #inLine = new AbortController();
  #release: () => void = () => undefined;
  #granted: (lost: AbortSignal) => void = () => undefined;

  constructor(name: string, locks: Locks | null) {
    this.#name = name;
    this.#locks = locks;
  }

  /** Lead if nobody does. The signal aborts when the lead is lost; null: somebody leads, or nobody can tell. */
  async tryNow(): Promise<AbortSignal | null> {
    if (this.#locks === null) return null;
    return new Promise((resolve) => void this.#hold({ ifAvailable: true }, resolve));
  }

  /** Wait until this tab leads: its turn comes, or it steals. */
  next(): Promise<AbortSignal> {
    return new Promise((resolve) => {
      this.#granted = resolve;
      this.#inLine = new AbortController();
      if (this.#locks !== null) void this.#hold({ signal: this.#inLine.signal }, (lost) => lost && resolve(lost));
    });
  }

  /** Take the lead from whoever has it, while `next` waits. */
  steal(): void {
    const granted = this.#granted;
    this.#inLine.abort();
    if (this.#locks === null) granted(new AbortController().signal);
    else void this.#hold({ steal: true }, (lost) => lost && granted(lost));
  }

  /** Let the next one lead, or leave the line. Twice is harmless. */
  release(): void {
    this.#inLine.abort();
    this.#release();
  }

  /** A lock of this tab alone, held as long as it lives: others learn by it that the tab is gone. */
  standFor(tab: string, until: AbortSignal): void {
    const whileOpen = (): Promise<void> => new Promise((resolve) => until.addEventListener("abort", () => resolve()));
    void this.#locks?.request(`${this.#name} ${tab}`, whileOpen);
  }

  /** Call `gone` when the page of another tab is no more. Without Web Locks nobody knows. */
  whenGone(tab: string, gone: () => void, until: AbortSignal): void {
    this.#locks?.request(`${this.#name} ${tab}`, { signal: until }, gone).catch(ifNotAborted);
  }

  /** `held`: called with what tells the loss of it, or null when it was not available. */
  async #hold(options: LockOptions, held: (lost: AbortSignal | null) => void): Promise<void> {
    const lost = new AbortController();
    const whileHeld = (lock: Lock | null): Promise<void> | undefined => {
      held(lock === null ? null : lost.signal);
      if (lock === null) return undefined;
      return new Promise((resolve) => (this.#release = resolve));
    };
    await this.#locks?.request(this.#name, options, whileHeld).catch(ifNotAborted);
    lost.abort();
  }
}

/** Locks that are stolen, and lines that are left, end so. */
function ifNotAborted(error: unknown): void {
  if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
}
