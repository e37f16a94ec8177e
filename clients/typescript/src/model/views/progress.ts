/** How far a listener got in each episode. Source: merge.md section 3.3. */
import type { ReadonlyCells } from "../cells.js";
import { cutAtSlash, fromKeyPart, keyPart } from "../ids.js";
import { NO_STAMP, STAMP_LENGTH } from "../stamp.js";
import { sortedByKey, under } from "./under.js";

/** One episode. */
export type ProgressView = {
  /** Where the last device left it. */
  readonly resume_ms: number;
  /** It was heard to its end, or marked so. */
  readonly played: boolean;
  /** The furthest point of this listen-through, not before `resume_ms`. */
  readonly furthest_ms: number;
};

type Latest = { readonly position_ms: number; readonly finished: boolean };

/** Progress by episode, episodes in code-point order. */
export function progressView(cells: ReadonlyCells): ReadonlyMap<string, ProgressView> {
  const latest = new Map<string, Latest>();
  const furthest = new Map<string, number>();
  for (const [key, cell] of under(cells, "progress/")) {
    const [part, field] = cutAtSlash(key);
    if (field === "latest") latest.set(fromKeyPart(part), cell.value as Latest);
    else if (field === "furthest") furthest.set(fromKeyPart(part), cell.value as number);
  }
  const views = [...new Set([...latest.keys(), ...furthest.keys()])].map((episode): [string, ProgressView] => {
    const { position_ms: resume_ms, finished: played } = latest.get(episode) ?? { position_ms: 0, finished: false };
    return [episode, { resume_ms, played, furthest_ms: Math.max(furthest.get(episode) ?? 0, resume_ms) }];
  });
  return sortedByKey(views);
}

/** What a `progress.listened` names as the listen-through it belongs to: the rank that opened it, or 21 zeros. */
export function through(cells: ReadonlyCells, episode: string): string {
  return cells.get(`progress/${keyPart(episode)}/furthest`)?.rank.slice(0, STAMP_LENGTH) ?? NO_STAMP;
}
