/**
 * What is playing where, as a device shows it at a moment.
 *
 * Source: merge.md section 3.2; the form is that of the `view` message in design.md section 6.
 */
import type { Json } from "../canonical.js";
import type { CellsByKey, ReadonlyCells } from "../cells.js";
import { Plays, shownHead, type Play } from "./plays.js";
import { commandsOf, soundingAt } from "./sounding.js";

/** How far past an item's end playback is reckoned without an event before it shows as stale: its renderer is gone. */
export const STALE_AFTER_MS = 10_000;

/** Where playback stands. */
export type PlaybackView = {
  /** That should play it. */
  readonly device: string;
  readonly play: string;
  readonly epoch: string;
  readonly generation: number;
  readonly item: { readonly id: string; readonly track: string; readonly from: "context" | "queue" };
  /** At `as_of_ms`, within 0 and the item's duration. */
  readonly position_ms: number;
  /** Server time, ms since the Unix epoch. */
  readonly as_of_ms: number;
  readonly playing: boolean;
  readonly speed_permille: number;
  /** Of the item; null when its start did not say. */
  readonly duration_ms: number | null;
  readonly context: Json;
  /** Its renderer waits for data; the position stands. */
  readonly buffering: boolean;
  /** It should have ended more than `STALE_AFTER_MS` ago and nobody said so. */
  readonly stale: boolean;
  /** The device began this by itself, without a connection; only that device shows it. */
  readonly detached: boolean;
};

/**
 * What a device shows of playback at `nowMs`, server time; null when nothing was ever started.
 *
 * @param cells - of the account's stream.
 * @param device - whose own detached session goes before the live one; null for whoever has none.
 */
export function playbackView(cells: ReadonlyCells, nowMs: number, device: string | null = null): PlaybackView | null {
  const plays = new Plays(cells);
  return playbackAt(cells, plays, shownHead(plays, device), nowMs);
}

/** What shows of a play of these `plays` at `nowMs`, server time. */
export function playbackAt(cells: CellsByKey, plays: Plays, head: Play | null, nowMs: number): PlaybackView | null {
  const start = head === null ? null : plays.startOf(head);
  if (head === null || start === null || start.device === null) return null;
  const commands = commandsOf(cells, head, start.device);
  const { position_ms, playing, buffering } = soundingAt(commands, head.automatic, nowMs);
  const { id, track, from, duration_ms = null } = head.item;
  return {
    device: start.device,
    play: head.id,
    epoch: head.epoch,
    generation: head.generation,
    item: { id, track, from },
    position_ms: Math.min(position_ms, duration_ms ?? position_ms),
    as_of_ms: nowMs,
    playing,
    speed_permille: commands.speed_permille,
    duration_ms,
    context: start.context,
    buffering,
    stale: playing && duration_ms !== null && position_ms > duration_ms + STALE_AFTER_MS,
    detached: start.detached,
  };
}
