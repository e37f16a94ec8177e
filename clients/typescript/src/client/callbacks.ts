/** Functions of an app that are called later, each on its own: what one of them throws stops nobody else. */

/** See the first line. */
export class Callbacks<T> {
  readonly #callbacks = new Set<(what: T) => void>();

  /** Returns what takes it off again. */
  add(callback: (what: T) => void): () => void {
    const own = (what: T): void => callback(what); // the same function may be added twice
    this.#callbacks.add(own);
    return () => this.#callbacks.delete(own);
  }

  /** Call them in a moment, in the order of calls: now they could act in the middle of a change. */
  tell(what: T): void {
    if (this.#callbacks.size === 0) return;
    queueMicrotask(() => {
      for (const callback of [...this.#callbacks]) {
        try {
          callback(what);
        } catch (error) {
          queueMicrotask(() => {
            throw error; // an app's mistake: reported as any uncaught error is
          });
        }
      }
    });
  }
}
