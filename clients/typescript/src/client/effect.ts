/** What the tab that holds the connection tells the others, so that they show the same. */
import type { Cells } from "../model/cells.js";
import type { By } from "../schemas/messages.js";
import type { Outcome } from "./own_event.js";

/** Something that the server said has changed one stream. */
export type Effect = {
  readonly stream: string;
  /** To be joined into the confirmed cells, or to take their place. */
  readonly cells: Cells;
  readonly isSnapshot: boolean;
  readonly by: By | null;
  /** The own event that was answered, with the time it was admitted with. */
  readonly settled: { readonly n: number; readonly outcome: Outcome; readonly t: number } | null;
};
