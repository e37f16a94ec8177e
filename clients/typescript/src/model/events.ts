/** Events, with the types that `schemas/events.ts` is made of. What each event writes is in `lowering/`. */
import type { EventsByKind } from "../schemas/events.js";
import { EVENT_SHAPE_OF } from "../schemas/events.js";
import type { JsonObject } from "./canonical.js";

/** The kinds that this version knows. */
export type Kind = keyof EventsByKind;
export type DataOf<K extends Kind> = EventsByKind[K];
export type ListName = "queue" | "items" | "sidebar";
export type Side = "L" | "R";

/** One event; `data` is as its kind has it, or any JSON where the kind is not known here. `t` is its packed time. */
export type Event = {
  readonly stream: string;
  readonly writer: string;
  readonly seq: number;
  readonly t: number;
  readonly kind: string;
  readonly data: JsonObject;
};

/** Whether this version knows the kind. */
export function isKind(kind: string): kind is Kind {
  return Object.hasOwn(EVENT_SHAPE_OF, kind);
}

/** The data of an event, if it is of this kind. Its shape was checked when it was made. */
export function dataOf<K extends Kind>(event: { kind: string; data: JsonObject }, kind: K): DataOf<K> | undefined {
  return event.kind === kind ? (event.data as DataOf<K>) : undefined;
}
