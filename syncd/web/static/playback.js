// What is playing where, and how far it has got. Nobody sends a position every second: it follows from the last commands.
// The views of syncd/model/views/{plays,sounding,playback}.py. Source: merge.md section 3.2.

import { keyPart, under } from "./cells.js";
import { NO_STAMP, STAMP_LENGTH, ms, stampTime } from "./stamp.js";

const NORMAL_SPEED_PERMILLE = 1000;
/** How far past an item's end playback is reckoned before it shows as stale: its renderer is gone. */
export const STALE_AFTER_MS = 10_000;

/** All plays of an account's stream, by id. */
function readPlays(cells) {
  const plays = new Map();
  for (const [id, { rank, value }] of under(cells, "play/")) {
    plays.set(id, { id, rank, seq: Number(id.slice(id.lastIndexOf(".") + 1)), automatic: false, ...value });
  }
  return plays;
}

/** The start of a play's epoch, or null. Advances begin at generation 1: one that names itself is no start. */
function startOf(plays, play) {
  const start = plays.get(play.epoch);
  return start !== undefined && start.generation === 0 ? start : null;
}

/** Whether (epoch's start, generation, pressed rather than automatic, stamp, seq) of `a` is larger than that of `b`. */
function isLarger(a, b) {
  if (a.start.rank !== b.start.rank) return a.start.rank > b.start.rank;
  if (a.play.generation !== b.play.generation) return a.play.generation > b.play.generation;
  if (a.play.automatic !== b.play.automatic) return !a.play.automatic;
  if (a.play.rank !== b.play.rank) return a.play.rank > b.play.rank;
  return a.play.seq > b.play.seq;
}

/** The largest play whose epoch's start is eligible, as `{play, start}`; null when there is none. */
function largest(plays, isEligible) {
  let head = null;
  for (const play of plays.values()) {
    const start = startOf(plays, play);
    if (start === null || !isEligible(start)) continue;
    const candidate = { play, start };
    if (head === null || isLarger(candidate, head)) head = candidate;
  }
  return head;
}

/** The head and everything reached from it by `follows`, each once, as far as it has arrived; latest first. */
function chainOf(plays, head) {
  const chain = [];
  const waiting = [head.play.id];
  const reached = new Set(waiting);
  while (waiting.length > 0) {
    const play = plays.get(waiting.pop());
    if (play === undefined) continue;
    chain.push(play);
    for (const earlier of play.follows) {
      if (!reached.has(earlier)) waiting.push(earlier);
      reached.add(earlier);
    }
  }
  return chain;
}

/**
 * The account's live session: its head, the plays that led to it, and the queue entries that were played on the way.
 *
 * This page starts nothing by itself without a connection, so it has no detached session of its own to show.
 */
export function readSession(cells) {
  const plays = readPlays(cells);
  const head = largest(plays, (start) => !start.detached);
  const chain = head === null ? [] : chainOf(plays, head);
  const consumed = new Set(chain.filter(({ item }) => item.from === "queue").map(({ item }) => item.id));
  return { head, chain, consumed };
}

/** What plays at `nowMs` of the server's clock, given the head of `readSession`; null when nothing was ever started. */
export function playbackAt(cells, head, nowMs) {
  if (head === null) return null;
  const { play, start } = head;
  const commands = {
    at: cells.get(`play_at/${play.id}`),
    on: cells.get(`play_on/${play.epoch}`),
    off: cells.get(`play_off/${play.epoch}`),
    report: cells.get(`play_report/${play.id}`),
    speedPermille: cells.get(`play_speed/${play.epoch}`)?.value ?? NORMAL_SPEED_PERMILLE,
    sleepAtMs: cells.get("mode/sleep_at_ms")?.value ?? null,
    revoked: cells.has(`device/${keyPart(start.device)}/revoked`),
  };
  const now = sounding(commands, play.automatic, nowMs);
  const durationMs = play.item.duration_ms ?? null;
  return {
    device: start.device,
    play: play.id,
    epoch: play.epoch,
    generation: play.generation,
    item: play.item,
    context: start.context,
    positionMs: durationMs === null ? now.positionMs : Math.min(now.positionMs, durationMs),
    durationMs,
    playing: now.playing,
    buffering: now.buffering,
    speedPermille: commands.speedPermille,
    stale: now.playing && durationMs !== null && now.positionMs > durationMs + STALE_AFTER_MS,
  };
}

/** Whether a play sounds at `nowMs`, and its position, not clamped to the duration. */
function sounding({ at, on, off, report, speedPermille, sleepAtMs, revoked }, automatic, nowMs) {
  const [a, o, p] = [at?.rank ?? "", on?.rank ?? "", off?.rank ?? ""];
  const [atMs, onMs] = [timeMs(a), timeMs(o)];
  let offMs = timeMs(p);
  const [putMs, playingThere] = at?.value ?? [0, false];
  const asleep = sleepAtMs !== null && sleepAtMs <= nowMs && onMs <= sleepAtMs;
  if (asleep) {
    nowMs = sleepAtMs;
    offMs = Math.min(offMs, sleepAtMs);
  }
  const isOn = o > p && !revoked;
  // In two steps, so that a session left on for years stays below 2^53.
  const scaled = (elapsedMs) =>
    Math.floor(elapsedMs / 1000) * speedPermille + Math.floor(((elapsedMs % 1000) * speedPermille) / 1000);

  if (report !== undefined && report.rank.slice(0, 2 * STAMP_LENGTH) === (a || NO_STAMP) + ((o > p ? o : p) || NO_STAMP)) {
    const [measuredMs, buffering] = report.value;
    const movingMs = isOn && !buffering ? Math.max(0, nowMs - timeMs(report.rank.slice(2 * STAMP_LENGTH))) : 0;
    return { positionMs: measuredMs + scaled(movingMs), playing: isOn && !asleep, buffering: isOn && !asleep && buffering };
  }
  let elapsedMs = 0;
  if (p > a) {
    // Stopped after it was put there: it counts up to the pause, and again from the play after it.
    if (playingThere) elapsedMs += Math.max(0, offMs - atMs);
    if (isOn) elapsedMs += Math.max(0, nowMs - onMs);
  } else if (isOn) {
    // An automatic advance does not end a pause, so it counts from the play that did.
    elapsedMs = Math.max(0, nowMs - (playingThere && !automatic ? atMs : Math.max(atMs, onMs)));
  }
  return { positionMs: putMs + scaled(elapsedMs), playing: isOn && !asleep, buffering: false };
}

const timeMs = (rank) => (rank === "" ? 0 : ms(stampTime(rank)));
