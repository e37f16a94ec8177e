/**
 * What becomes of own events that were refused, or whose place in a list is gone.
 *
 * A refused event is dropped. What came after it on the same store may name what it would have brought, and is refused as
 * well, as an orphan. Edits of lists are then made again: the same items, beside the neighbour that they had on this
 * device's screen. Controls are dropped, since what they were to control is not there. Source: merge.md section 3.1.
 */
import * as edits from "../model/edits.js";
import { dataOf, type DataOf, type ListName } from "../model/events.js";
import { itemId } from "../model/ids.js";
import { references } from "../model/references.js";
import type { ListView } from "../model/views/live_list.js";
import type { Nack } from "../schemas/messages.js";
import type { Refusal } from "./change.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import type { OwnEvent } from "./own_event.js";

type ListData = { readonly list: ListName };
/** Where an edit goes: to the end, or right after an entry; null stands for the start. */
type Where = "end" | { readonly left: string | null };

/**
 * See the first lines. What it remembers lives as long as the connection: after that, list edits whose neighbour is not
 * known any more go to the end.
 */
export class Reissue {
  readonly #state: LocalState;
  readonly #lists: Lists;
  /** Own event (`n`) -> the entry that showed to the left of what it inserted or moved; null for the start. */
  readonly #left = new Map<number, string | null>();

  constructor(state: LocalState, lists: Lists) {
    this.#state = state;
    this.#lists = lists;
  }

  /**
   * Drop the event that a nack refuses for good, and make it again if that is possible.
   *
   * @returns What to tell the listener; null when nothing was pending.
   */
  refused(nack: Nack): Refusal | null {
    const event = this.#state.outbox.find(this.#state.replicas.get(nack.stream).stream, nack.seq);
    if (!event?.isSaved) return null;
    this.#rememberNeighbours(event);
    const isList = nack.reason === "orphan" && event.event.kind.startsWith("list.");
    this.#state.refused(nack, isList ? "reissued" : "refused");
    const reissued = isList && this.#makeAgain(event);
    const { stream, kind } = event.event;
    return { stream, kind, reason: nack.reason, message: nack.message, reissued };
  }

  /**
   * Whether a list edit hangs on a slot that the list does not have, or not yet. Own events are in the store before
   * confirmed cells are: a page that is killed between the two comes back with edits whose place is still to come, and
   * which the server may have admitted.
   */
  missesPlaces(): boolean {
    return ![...this.#state.outbox].every((event) => this.#hasPlace(event));
  }

  /**
   * Make list edits again that hang on a slot which the list does not have: they would never show. That happens when the
   * server was restored from a backup, and has forgotten what this device has seen. Call it when every stream with pending
   * events has caught up, before they leave: an edit whose place is still to come would be made twice.
   *
   * @returns What to tell the listener.
   */
  rehome(): Refusal[] {
    const told: Refusal[] = [];
    for (const event of [...this.#state.outbox]) {
      if (event.outcome !== "pending" || !event.isSaved || this.#hasPlace(event)) continue;
      const { stream, seq } = event.pending;
      const lost: Nack = { type: "nack", stream, seq, reason: "orphan", message: "its place in the list is gone" };
      const refusal = this.refused(lost);
      if (refusal !== null) told.push(refusal);
    }
    return told;
  }

  #hasPlace({ event }: OwnEvent): boolean {
    const data = dataOf(event, "list.inserted") ?? dataOf(event, "list.moved");
    const parent = data?.parent ?? null;
    return data === undefined || parent === null || this.#lists.view(event.stream, data.list).hasSlot(parent);
  }

  /** Note where the list edits show that will be orphans, before what they hang on is gone. */
  #rememberNeighbours(refused: OwnEvent): void {
    const lost = new Set([refused.id]);
    for (const own of this.#state.outbox) {
      const { event, id, n } = own;
      const isOrphan = [...references(event.kind, event.data)].some((name) => lost.has(name));
      if (event.stream !== refused.event.stream || !isOrphan) continue;
      lost.add(id);
      const [inserted, moved] = [dataOf(event, "list.inserted"), dataOf(event, "list.moved")];
      const first = inserted === undefined ? moved?.ids[0] : itemId(id, 0);
      const list = (inserted ?? moved)?.list;
      if (first === undefined || list === undefined || this.#left.has(n)) continue;
      const view = this.#lists.view(event.stream, list);
      if (view.shows(first)) this.#left.set(n, leftOf(view, first, refused));
    }
  }

  /** Whether there was anything left of the event to be made again. */
  #makeAgain(own: OwnEvent): boolean {
    const { event, id } = own;
    const view = this.#lists.view(event.stream, (event.data as ListData).list);
    const data = this.#edit(own, view);
    if (data === null) return false;
    const made = this.#state.make({ kind: event.kind, data, stream: event.stream, validMs: null });
    this.#state.outbox.remember(id, made);
    return true;
  }

  /** The event's data, as it fits now; null when what it was about is not there any more. */
  #edit(own: OwnEvent, view: ListView): object | null {
    const { event } = own;
    const inserted = dataOf(event, "list.inserted");
    if (inserted !== undefined) {
      const where = this.#where(own, view);
      return where === "end"
        ? edits.insertAtEnd(view, inserted.items)
        : edits.insertAfter(view, where.left, inserted.items);
    }
    const back = dataOf(event, "list.moved_back");
    if (back !== undefined) return this.#movedBack(event.stream, back, view);
    const listed = dataOf(event, "list.moved") ?? dataOf(event, "list.removed") ?? dataOf(event, "list.restored");
    const ids = listed === undefined ? [] : this.#known(event.stream, listed.ids, view);
    if (ids.length === 0) return null;
    if (event.kind !== "list.moved") return edits.removeOrRestore(view, ids);
    const where = this.#where(own, view);
    if (where !== "end") return edits.moveAfter(view, ids, where.left);
    return edits.moveTo(view, ids, view.length - ids.filter((id) => view.shows(id)).length);
  }

  #movedBack(stream: string, { list, item, slot }: DataOf<"list.moved_back">, view: ListView): object | null {
    const now = { list, item: this.#now(stream, item), slot: this.#now(stream, slot) };
    return view.has(now.item) && view.hasSlot(now.slot) ? now : null;
  }

  #where({ n, event }: OwnEvent, view: ListView): Where {
    const left = this.#left.get(n);
    this.#left.delete(n);
    if (left === undefined || left === null) return left === null ? { left } : "end";
    const [known] = this.#known(event.stream, [left], view);
    return known === undefined ? "end" : { left: known };
  }

  /** The entries under their present names, without those that are not in the list. */
  #known(stream: string, ids: readonly string[], view: ListView): string[] {
    return ids.map((id) => this.#now(stream, id)).filter((id) => view.has(id));
  }

  #now(stream: string, id: string): string {
    return this.#state.outbox.nowCalled(stream, id);
  }
}

/** The entry that shows before another one and will still be there without an event; null when there is none. */
function leftOf(view: ListView, item: string, refused: OwnEvent): string | null {
  const before = view.slice(0, view.indexOf(item)).reverse();
  return before.find(({ id }) => !id.startsWith(`${refused.id}.`))?.id ?? null;
}
