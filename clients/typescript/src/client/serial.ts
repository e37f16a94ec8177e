/** Work on one thing, one piece after another, in the order it was given. */

export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  /** Do this once everything before it has ended, well or badly. What it throws is the caller's. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
