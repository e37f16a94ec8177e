/** What changed, as a device tells those who listen to it. */
import type { Cell } from "../model/cells.js";
import { family } from "../model/ids.js";
import type { By } from "../schemas/messages.js";

/** Key -> the cell as it shows now; null where nothing shows any more. */
export type ChangedCells = ReadonlyMap<string, Cell | null>;

/** Cells of one stream show differently from now on. */
export class Change {
  constructor(
    /** `a:me`, or `p:<playlist>`. */
    readonly stream: string,
    readonly cells: ChangedCells,
    /** Who did it, where one event of somebody else stands behind it. null for own events, catch-ups, snapshots. */
    readonly by: By | null = null,
  ) {}

  /** The things concerned, by the first word of their keys: "queue", "items", "play", "library", "settings", … */
  get areas(): ReadonlySet<string> {
    return new Set(Array.from(this.cells.keys(), family));
  }
}

/** An own event was refused for good; what it had changed on this device is taken back. */
export type Refusal = {
  readonly stream: string;
  readonly kind: string;
  /** As in `Nack`: "expired", "forbidden", "invalid", "limit", "orphan"; "unsaved" if the local store did not take it. */
  readonly reason: string;
  readonly message: string;
  /** Whether it was made again in a form that fits, as lists can be; then nothing is lost. */
  readonly reissued: boolean;
};
