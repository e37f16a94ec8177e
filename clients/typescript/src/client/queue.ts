/** The listener's own queue, in the account's stream. */
import { OWN_STREAM } from "../protocol/client_session.js";
import { EditableList, type Track } from "./editable_list.js";
import type { Done } from "./done.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import { ofFamilies, subscribe } from "./subscribe.js";

/** See the first line. Entries that were played do not show any more. */
export class Queue extends EditableList {
  constructor(state: LocalState, lists: Lists) {
    super(state, lists, OWN_STREAM, "queue");
  }

  /** Add tracks right after what sounds now, before the rest of the queue. */
  playNext(...tracks: readonly Track[]): Done {
    return this.insertAfter(this.#sounding(), ...tracks);
  }

  /** Also when what plays changes which entries were played. */
  override subscribe(callback: () => void): () => void {
    return subscribe(this.state, ofFamilies(OWN_STREAM, "queue", "play"), callback);
  }

  /** The queue entry that sounds; null when what sounds is not from the queue, or nothing does. */
  #sounding(): string | null {
    const item = this.lists.head()?.item;
    return item?.from === "queue" && this.view.has(item.id) ? item.id : null;
  }
}
