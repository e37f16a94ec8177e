/**
 * What the tabs of one store say to each other, over a BroadcastChannel.
 *
 * One leads: it holds the connection. The others follow: they show what it tells them, and it sends what they save. A new
 * follower says `join`, and is answered by `lead`: what the store holds by then, and the effects told in it and from then
 * on, are all there is to know.
 */
import type { JsonObject } from "../model/canonical.js";
import type { Presence } from "../schemas/messages.js";
import type { Refusal } from "./change.js";
import type { DeviceState } from "./connector.js";
import type { Effect } from "./effect.js";
import type { OutboxRow } from "./store_rows.js";

/** An error as another tab knows it: every `SyncdError` is one. */
export type Failure = { readonly code: string; readonly message: string };

/** How the connection stands. */
export type Status = {
  readonly state: DeviceState;
  readonly error: Failure | null;
  /** By device. */
  readonly presence: ReadonlyMap<string, Presence>;
};

/** What only the tab that leads can do. */
export type Order =
  | { readonly what: "hurry" }
  | { readonly what: "renew"; readonly token: string }
  | { readonly what: "take again"; readonly stream: string };

/** A stream's digest at the server, or why there is none. */
export type DigestAnswer = { readonly digest: string; readonly cells: number } | Failure;

export type Word =
  // of those that follow
  | { readonly type: "join"; readonly wanted: readonly string[]; readonly token: string }
  | { readonly type: "wanted"; readonly wanted: readonly string[] }
  | { readonly type: "ask" }
  | { readonly type: "order"; readonly order: Order }
  | { readonly type: "digest"; readonly id: number; readonly stream: string }
  // of the one that leads
  | { readonly type: "lead"; readonly to: string | null; readonly status: Status; readonly effects: readonly Effect[] }
  | { readonly type: "here" }
  | { readonly type: "status"; readonly status: Status }
  | { readonly type: "effect"; readonly effect: Effect }
  | { readonly type: "refused"; readonly refusal: Refusal }
  | { readonly type: "digested"; readonly to: string; readonly id: number; readonly answer: DigestAnswer }
  // of any of them
  | { readonly type: "made"; readonly rows: readonly OutboxRow[] }
  | { readonly type: "renamed" }
  | { readonly type: "gone" };

/** A word, who says it, and the term of the one that leads; 0 from those that follow. */
export type Said = { readonly from: string; readonly term: number; readonly word: Word };

/** Whether a message on the channel is one of these: the page's own program may be of two versions in two tabs. */
export function isSaid(data: unknown): data is Said {
  const { from, term, word } = (data ?? {}) as JsonObject & { word?: { type?: unknown } };
  return typeof from === "string" && typeof term === "number" && typeof word?.type === "string";
}
