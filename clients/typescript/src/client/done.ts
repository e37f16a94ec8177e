/** What an action returns: the events it made, and how to take them back. */
import { StoreBusy, UndoGone } from "../errors.js";
import { sameCell } from "../model/cells.js";
import type { Draft } from "./draft.js";
import type { LocalState } from "./local_state.js";
import type { Outcome, OwnEvent } from "./own_event.js";

/** (event, the keys of its cells that still show what it wrote) -> the events that restore what was there before. */
export type Restore = (event: OwnEvent, mine: ReadonlySet<string>) => readonly Draft[];

/** Of several events, the outcome that tells most. */
const BY_IMPORTANCE: readonly Outcome[] = ["refused", "pending", "reissued", "gone"];

/** An action that has happened on this device: it shows, it is on its way to the store, and it will be sent. */
export class Done {
  readonly #state: LocalState;
  readonly #restore: Restore | null;

  constructor(
    state: LocalState,
    readonly events: readonly OwnEvent[],
    restore: Restore | null = null,
  ) {
    this.#state = state;
    this.#restore = restore;
  }

  /** How far it got: of several events, the one that is least far; refused if any was. */
  get outcome(): Outcome {
    const outcomes = new Set(this.events.map(({ outcome }) => outcome));
    return BY_IMPORTANCE.find((outcome) => outcomes.has(outcome)) ?? "admitted";
  }

  /** Wait until it is in the store. @throws StoreBusy: the store did not take it, and it was taken back. */
  async saved(): Promise<void> {
    await this.#state.stored();
    const lost = this.events.find(({ isSaved, outcome }) => !isSaved && outcome === "refused");
    if (lost !== undefined) throw new StoreBusy(lost.refusal?.message ?? "the store did not take it");
  }

  /**
   * Takes it back, by new events that restore the previous values wherever a cell still carries the action's own stamp.
   * null when it cannot be undone, or when somebody has changed all of it since. It throws `UndoGone` when that has
   * happened in between.
   */
  get undo(): (() => Done) | null {
    if (this.#drafts().length === 0) return null;
    return () => {
      const drafts = this.#drafts();
      if (drafts.length === 0) throw new UndoGone("there is nothing left to undo: it was changed since, or undone already");
      return new Done(this.#state, drafts.map((draft) => this.#state.make(draft)));
    };
  }

  /** What undoes the events, the last one first. */
  #drafts(): Draft[] {
    const restore = this.#restore;
    if (restore === null) return [];
    const open = this.events.filter(({ outcome }) => outcome === "pending" || outcome === "admitted");
    return open.reverse().flatMap((event) => restore(event, this.#mine(event)));
  }

  #mine({ cells, pending: { stream } }: OwnEvent): ReadonlySet<string> {
    const { shown } = this.#state.replicas.get(stream);
    return new Set([...cells].filter(([key, cell]) => sameCell(shown.get(key), cell)).map(([key]) => key));
  }
}
