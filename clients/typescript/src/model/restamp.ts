/**
 * New stamps, at reconnect, for what a device did while its clock could not be checked.
 *
 * Sending events with the times they were made at would let a device whose clock is an hour slow lose to everything that
 * others did in that hour, though it acted last. Restamping asks, for each event never sent, when it truly happened: by
 * the monotonic clock if the device has not booted since, else by the wall clock and its measured offset.
 *
 * An event that was sent keeps its time, because it may be admitted already. Times rise within a writer, and an event
 * stays later than everything its maker had seen. Source: merge.md section 1, "Client clock".
 */
import type { JsonObject } from "./canonical.js";
import { dataOf } from "./events.js";
import { ms, pack, stamp } from "./stamp.js";

/** An own event that is not acknowledged. */
export type Pending = {
  readonly stream: string;
  readonly seq: number;
  /** Packed time, as it was stamped or last restamped. */
  readonly t: number;
  readonly kind: string;
  readonly data: JsonObject;
  /** Whether it ever left the device. Once true, its time is fixed. */
  readonly sent: boolean;
  /** The largest admitted time the device had received when it made the event; 0 for none. */
  readonly seen_t: number;
  /** The device's wall clock then, ms since the Unix epoch, uncorrected. */
  readonly wall_ms: number;
  /** Its monotonic clock then. */
  readonly monotonic_ms: number;
  /** Names the life of that monotonic clock; another boot makes the readings incomparable. */
  readonly boot: string;
  readonly valid_ms: number | null;
};

/** What a device knows at the moment it is connected again. */
export type Reconnect = {
  readonly server_now_ms: number;
  /** What to add to the wall clock to have the server's. */
  readonly offset_ms: number;
  readonly monotonic_ms: number;
  readonly boot: string;
  /** The largest time of this writer that was ever sent, acknowledged ones included; 0 for none. */
  readonly sent_t: number;
};

/**
 * Give the events that were never sent their true times.
 *
 * @param pending - all pending events of one writer, in the order they were made.
 * @returns The same events in the same order. Stamps of pending events that others name (`answers`, `through`) are
 *   rewritten, and times that their makers chose by the same clock (`before_ms`, `sleep_at_ms`) shift along.
 */
export function restamp<P extends Pending>(pending: readonly P[], now: Reconnect, writer: string): P[] {
  let lastT = pending.reduce((last, event) => (event.sent ? Math.max(last, event.t) : last), now.sent_t);
  const renamed = new Map<string, string>();
  return pending.map((event) => {
    if (event.sent) return event;
    lastT = Math.max(pack(trueMs(event, now)), lastT + 1, event.seen_t + 1);
    renamed.set(stamp(event.t, writer), stamp(lastT, writer));
    const data = shifted({ ...event, data: rewritten(event, renamed) }, ms(lastT) - ms(event.t));
    return { ...event, t: lastT, data };
  });
}

/** When the event was made by the server's clock; never later than now. */
function trueMs(event: Pending, now: Reconnect): number {
  const made =
    event.boot === now.boot
      ? now.server_now_ms - (now.monotonic_ms - event.monotonic_ms)
      : event.wall_ms + now.offset_ms;
  return Math.max(0, Math.min(made, now.server_now_ms));
}

function rewritten(event: Pending, renamed: ReadonlyMap<string, string>): JsonObject {
  const now = (rank: string): string => renamed.get(rank) ?? rank;
  const reported = dataOf(event, "playback.reported");
  if (reported !== undefined) return { ...reported, answers: reported.answers.map(now) };
  const listened = dataOf(event, "progress.listened");
  return listened === undefined ? event.data : { ...listened, through: now(listened.through) };
}

function shifted(event: Pending, byMs: number): JsonObject {
  const moved = (atMs: number): number => Math.min(Math.max(atMs + byMs, 0), Number.MAX_SAFE_INTEGER);
  const cleared = dataOf(event, "history.cleared");
  if (cleared !== undefined) return { ...cleared, before_ms: moved(cleared.before_ms) };
  const mode = dataOf(event, "playback.mode_changed");
  if (mode !== undefined && typeof mode.sleep_at_ms === "number") {
    return { ...mode, sleep_at_ms: moved(mode.sleep_at_ms) };
  }
  return event.data;
}
