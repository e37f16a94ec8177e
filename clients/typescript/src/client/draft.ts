/** An event before it has a number and a time. */
import type { DataOf, Kind } from "../model/events.js";
import { OWN_STREAM } from "../protocol/client_session.js";

export type Draft = {
  readonly kind: string;
  /** As its kind has it; looked at when the event is made. */
  readonly data: unknown;
  readonly stream: string;
  /** A control older than this is refused as `expired`; null for what never expires. */
  readonly validMs: number | null;
};

/** A draft of a kind that is known, with its data typed. */
export function draft<K extends Kind>(kind: K, data: DataOf<K>, more: { stream?: string; validMs?: number | null } = {}): Draft {
  return { kind, data, stream: more.stream ?? OWN_STREAM, validMs: more.validMs ?? null };
}
