/**
 * Which play is the head, what led to it, and what the queue has consumed on the way.
 *
 * A start opens an epoch, each advance is the next generation of one. The head is the largest play of the latest epoch;
 * `follows` leads from it to everything heard before, also to what was heard alone in a tunnel and then adopted. Plays off
 * that chain were never heard by this account's winning session, so they consume nothing: two devices that skip at once
 * make one skip. Source: merge.md section 3.2.
 */
import type { Json } from "../canonical.js";
import type { Cell, ReadonlyCells } from "../cells.js";
import { splitEvent } from "../ids.js";
import type { PlayedItem } from "../../schemas/events.js";
import { under } from "./under.js";

/** One `play/<id>` cell. Device, context and detached are a start's; an advance has them from its epoch's. */
export type Play = {
  readonly id: string;
  /** Its stamp. */
  readonly rank: string;
  readonly epoch: string;
  /** 0 for a start. Advances begin at 1, so that one that names itself as its epoch is no start. */
  readonly generation: number;
  readonly follows: readonly string[];
  readonly item: PlayedItem;
  readonly automatic: boolean;
  readonly device: string | null;
  readonly context: Json;
  readonly detached: boolean;
};

/** All plays of an account's stream. */
export class Plays {
  readonly #plays: ReadonlyMap<string, Play>;

  constructor(cells: ReadonlyCells) {
    this.#plays = new Map(under(cells, "play/").map(([id, cell]) => [id, playOf(id, cell)]));
  }

  get(id: string): Play | null {
    return this.#plays.get(id) ?? null;
  }

  /** The start of a play's epoch; null if it has not arrived, or if what the play names is no start. */
  startOf(play: Play): Play | null {
    const start = this.#plays.get(play.epoch);
    return start?.generation === 0 ? start : null;
  }

  /** The play that the account's live session is at; null when nothing was ever started. */
  head(): Play | null {
    return this.#largest((start) => !start.detached);
  }

  /**
   * The play that a device is at in the session it began by itself, without a connection.
   *
   * null when it has begun none, or when its last one has ended: adopted by a start that follows it, or overtaken by a
   * later start on the same device.
   */
  detachedHead(device: string): Play | null {
    const starts = [...this.#plays.values()].filter((play) => play.generation === 0);
    const own = starts.filter((start) => start.detached && start.device === device);
    const last = own.sort(byRankAndSeq).at(-1);
    if (last === undefined) return null;
    const heard = new Set([...this.#plays.values()].filter(({ epoch }) => epoch === last.id).map(({ id }) => id));
    const hasEnded = starts.some(
      (start) =>
        !start.detached &&
        (start.follows.some((id) => heard.has(id)) || (start.device === device && start.rank > last.rank)),
    );
    return hasEnded ? null : this.#largest((start) => start.id === last.id);
  }

  /** The head and everything reached from it by `follows`, each once, as far as it has arrived. */
  *chain(head: Play | null): Generator<Play> {
    const waiting = head === null ? [] : [head.id];
    const reached = new Set(waiting);
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const play = this.#plays.get(id);
      if (play === undefined) continue;
      yield play;
      for (const before of play.follows) {
        if (!reached.has(before)) {
          reached.add(before);
          waiting.push(before);
        }
      }
    }
  }

  /** The queue entries that were played on the chain of this head. */
  consumed(head: Play | null): ReadonlySet<string> {
    const items = Array.from(this.chain(head), ({ item }) => item);
    return new Set(items.filter(({ from }) => from === "queue").map(({ id }) => id));
  }

  /** The largest by (epoch's start, generation, pressed rather than automatic, stamp, seq). */
  #largest(isEligible: (start: Play) => boolean): Play | null {
    let largest: { readonly start: Play; readonly play: Play } | null = null;
    for (const play of this.#plays.values()) {
      const start = this.startOf(play);
      if (start === null || !isEligible(start)) continue;
      if (largest === null || compare(start, play, largest.start, largest.play) > 0) largest = { start, play };
    }
    return largest?.play ?? null;
  }
}

function compare(startA: Play, a: Play, startB: Play, b: Play): number {
  if (startA.rank !== startB.rank) return startA.rank < startB.rank ? -1 : 1;
  return a.generation - b.generation || Number(b.automatic) - Number(a.automatic) || byRankAndSeq(a, b);
}

function byRankAndSeq(a: Play, b: Play): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1;
  return splitEvent(a.id).seq - splitEvent(b.id).seq;
}

/** The play that a device shows: its own detached one, else the head. null stands for a device that has none. */
export function shownHead(plays: Plays, device: string | null): Play | null {
  return (device === null ? null : plays.detachedHead(device)) ?? plays.head();
}

/** The queue entries that are gone from what a device shows (see `shownHead`). */
export function consumed(cells: ReadonlyCells, device: string | null = null): ReadonlySet<string> {
  const plays = new Plays(cells);
  return plays.consumed(shownHead(plays, device));
}

function playOf(id: string, { rank, value }: Cell): Play {
  const fields = value as Omit<Play, "id" | "rank">;
  const { epoch, generation, follows, item, automatic = false, device = null, context = null, detached = false } = fields;
  return { id, rank, epoch, generation, follows, item, automatic, device, context, detached };
}
