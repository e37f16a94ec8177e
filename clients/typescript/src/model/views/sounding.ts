/**
 * Whether a play sounds at a moment, and how far it has got.
 *
 * Nobody sends where playback is every second: it follows from the last commands. `play_at` says where it was put,
 * `play_on` and `play_off` when it was last set going and stopped, and time does the rest. On and off are two cells, so
 * that a stale "play" cannot erase the pause before it. A renderer's report replaces the reckoning only while it answers
 * exactly the commands that stand. Source: merge.md section 3.2, "Position".
 */
import type { Cell, CellsByKey } from "../cells.js";
import { keyPart } from "../ids.js";
import { ms, NO_STAMP, STAMP_LENGTH, stampT } from "../stamp.js";
import type { Play } from "./plays.js";

export const NORMAL_SPEED_PERMILLE = 1_000;
const NONE: Cell = { rank: "", value: null };

/** The cells that say how a play stands. A cell that is missing has an empty rank. */
export type Commands = {
  /** `[position_ms, playing]`. */
  readonly at: Cell;
  readonly on: Cell;
  readonly off: Cell;
  readonly report: Cell | null;
  readonly speed_permille: number;
  /** Of the sleep timer; null when it is not set. */
  readonly sleep_at_ms: number | null;
  /** Whether the device that should play is no longer ours. */
  readonly revoked: boolean;
};

/** How a play stands at a moment. */
export type Sounding = {
  /** From the item's start, at least 0; not clamped to the item's duration. */
  readonly position_ms: number;
  /** Whether it shows as playing. */
  readonly playing: boolean;
  /** Whether the renderer says that it waits for data, so that the position stands. */
  readonly buffering: boolean;
};

/** Gather what was commanded of a play; `device` is its epoch's. */
export function commandsOf(cells: CellsByKey, play: Play, device: string): Commands {
  return {
    at: cells.get(`play_at/${play.id}`) ?? NONE,
    on: cells.get(`play_on/${play.epoch}`) ?? NONE,
    off: cells.get(`play_off/${play.epoch}`) ?? NONE,
    report: cells.get(`play_report/${play.id}`) ?? null,
    speed_permille: (cells.get(`play_speed/${play.epoch}`)?.value ?? NORMAL_SPEED_PERMILLE) as number,
    sleep_at_ms: (cells.get("mode/sleep_at_ms")?.value ?? null) as number | null,
    revoked: cells.has(`device/${keyPart(device)}/revoked`),
  };
}

/**
 * What a report must name to count: the rank of `play_at`, the larger of those of `play_on` and `play_off`. Take them from
 * confirmed cells only: the rank of a pending event may still change.
 */
export function answersTo({ at, on, off }: Commands): readonly [string, string] {
  return [at.rank || NO_STAMP, (on.rank > off.rank ? on.rank : off.rank) || NO_STAMP];
}

/**
 * How a play stands at `nowMs`, server time.
 *
 * @param isAutomatic - whether the play began by itself, at the end of the one before it.
 */
export function soundingAt(commands: Commands, isAutomatic: boolean, nowMs: number): Sounding {
  const { at, sleep_at_ms, speed_permille } = commands;
  const [atMs, onMs] = [msOf(at.rank), msOf(commands.on.rank)];
  let offMs = msOf(commands.off.rank);
  const [putMs, playingThere] = (at.value ?? [0, false]) as readonly [number, boolean];

  const isAsleep = sleep_at_ms !== null && sleep_at_ms <= nowMs && onMs <= sleep_at_ms;
  if (isAsleep) {
    nowMs = Math.min(nowMs, sleep_at_ms);
    offMs = Math.min(offMs, sleep_at_ms);
  }
  const isOn = commands.on.rank > commands.off.rank && !commands.revoked;
  // In two parts, each of them exact: the product of a long time and a high speed would pass 2^53.
  const moved = (elapsedMs: number): number =>
    Math.floor(elapsedMs / 1_000) * speed_permille + Math.floor(((elapsedMs % 1_000) * speed_permille) / 1_000);

  const report = countingReport(commands);
  if (report !== null) {
    const [reportedMs, buffering] = report.value as readonly [number, boolean];
    const movingMs = isOn && !buffering ? Math.max(0, nowMs - msOf(report.rank.slice(2 * STAMP_LENGTH))) : 0;
    const playing = isOn && !isAsleep;
    return { position_ms: reportedMs + moved(movingMs), playing, buffering: playing && buffering };
  }

  let elapsedMs = 0;
  if (commands.off.rank > at.rank) {
    // Stopped after it was put there: it counts up to the pause, and again from the play after it.
    if (playingThere) elapsedMs += Math.max(0, offMs - atMs);
    if (isOn) elapsedMs += Math.max(0, nowMs - onMs);
  } else if (isOn) {
    // An automatic advance does not end a pause, so it counts from the play that did.
    const fromMs = playingThere && !isAutomatic ? atMs : Math.max(atMs, onMs);
    elapsedMs = Math.max(0, nowMs - fromMs);
  }
  return { position_ms: putMs + moved(elapsedMs), playing: isOn && !isAsleep, buffering: false };
}

/** The report, if it answers exactly the commands that stand. */
function countingReport(commands: Commands): Cell | null {
  const { report } = commands;
  return report !== null && report.rank.startsWith(answersTo(commands).join("")) ? report : null;
}

function msOf(rank: string): number {
  return rank === "" ? 0 : ms(stampT(rank));
}
