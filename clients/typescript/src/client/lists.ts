/** The lists that somebody has looked at, kept up to date change by change; and the plays, which decide what the queue hides. */
import type { Cell } from "../model/cells.js";
import type { ListName } from "../model/events.js";
import { family } from "../model/ids.js";
import { ListView } from "../model/views/live_list.js";
import { at } from "../model/views/under.js";
import { Plays, shownHead, type Play } from "../model/views/plays.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import type { Change } from "./change.js";
import { KeptView } from "./kept_view.js";
import type { LocalState } from "./local_state.js";

/** What this device is at, and what that was read from; `left`: see `Header.left_epoch`. */
type Session = { readonly plays: Plays; readonly device: string; readonly left: string | null; readonly head: Play | null };

/** See the first line. */
export class Lists {
  readonly #state: LocalState;
  readonly #views = new Map<string, ListView>();
  readonly #plays: KeptView<Plays>;
  #session: Session | null = null;
  /** The head that the queue's view has been told to hide the plays of. */
  #consumedTo: { readonly plays: Plays; readonly head: Play | null } | null = null;

  constructor(state: LocalState) {
    this.#state = state;
    this.#plays = new KeptView(state, OWN_STREAM, ["play"], (cells) => new Plays(cells));
    state.replicas.watch((change) => this.#changed(change));
  }

  /** One list of one stream, as it shows. */
  view(name: string, list: ListName): ListView {
    const { stream, shown } = this.#state.replicas.get(name);
    const view = at(this.#views, `${stream} ${list}`, () => {
      if (list === "queue") this.#consumedTo = null;
      return new ListView(list, shown.of(list));
    });
    if (list === "queue") this.#consume(view);
    return view;
  }

  /** All plays of the account. */
  plays(): Plays {
    return this.#plays.get();
  }

  /** The play that this device is at, in the session it began by itself or in the live one; null when there is none. */
  head(): Play | null {
    const plays = this.plays();
    const { device, left_epoch: left } = this.#state.header;
    if (this.#session?.plays !== plays || this.#session.device !== device || this.#session.left !== left) {
      const hasLeft = left !== null && plays.detachedHead(device)?.epoch === left;
      this.#session = { plays, device, left, head: shownHead(plays, hasLeft ? null : device) };
    }
    return this.#session.head;
  }

  #consume(queue: ListView): void {
    const [plays, head] = [this.plays(), this.head()];
    if (this.#consumedTo?.plays === plays && this.#consumedTo.head === head) return;
    this.#consumedTo = { plays, head };
    queue.consume(plays.consumed(head));
  }

  #changed({ stream, cells }: Change): void {
    const ofList = new Map<string, Map<string, Cell | null>>();
    for (const [key, cell] of cells) {
      const list = `${stream} ${family(key)}`;
      if (this.#views.has(list)) at(ofList, list, () => new Map()).set(key, cell);
    }
    for (const [list, changed] of ofList) this.#views.get(list)?.apply(changed);
  }
}
