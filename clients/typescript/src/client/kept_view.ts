/** A view that is read again only after a cell it is read from has changed: until then it is the same object. */
import type { ReadonlyCells } from "../model/cells.js";
import type { Change } from "./change.js";
import type { LocalState } from "./local_state.js";
import { ofFamilies, subscribe } from "./subscribe.js";

/** See the first line. */
export class KeptView<T> {
  readonly #concerns: (change: Change) => boolean;
  #kept: { readonly changes: number; readonly view: T } | null = null;

  /** `read`: of the cells of these families of one stream, as they show. */
  constructor(
    readonly state: LocalState,
    readonly stream: string,
    readonly families: readonly string[],
    readonly read: (cells: ReadonlyCells) => T,
  ) {
    this.#concerns = ofFamilies(stream, ...families);
  }

  get(): T {
    const { shown } = this.state.replicas.get(this.stream);
    const changes = shown.changes(...this.families);
    if (this.#kept?.changes !== changes) this.#kept = { changes, view: this.read(shown.of(...this.families)) };
    return this.#kept.view;
  }

  /** See `subscribe`. */
  subscribe(callback: () => void): () => void {
    return subscribe(this.state, this.#concerns, callback);
  }
}
