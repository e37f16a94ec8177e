// What comes next when the queue is empty: the context that plays, in its own order or shuffled.
// The rule of syncd/client/context.py and syncd/model/shuffle.py. Source: merge.md section 3.2.

import { compareText } from "./cells.js";
import { readList } from "./lists.js";

/** The stream of a playlist. */
export const playlistStream = (id) => `p:${id}`;

/**
 * The items of a context in order, each with `id` and `track`; none of a form that is not understood here.
 *
 * @param {any} context as the start of the epoch gave it: `{playlist: id}` or `{tracks: [track, …]}`.
 * @param {function(string): Map|undefined} cellsOf the cells of a playlist's stream, where we follow it.
 */
export function contextItems(context, cellsOf) {
  if (typeof context?.playlist === "string") {
    const cells = cellsOf(playlistStream(context.playlist));
    return cells === undefined ? [] : readList(cells, "items").entries.map(({ id, item }) => ({ ...item, id }));
  }
  if (Array.isArray(context?.tracks)) return context.tracks.map((track, place) => ({ id: String(place), track }));
  return [];
}

/**
 * What a pressed "next" leads to in the context; null when there is nothing.
 *
 * @param {Map} cells of the account.
 * @param {{head: object, chain: object[]}} session of `readSession`.
 * @param {object[]} items of the context.
 */
export function nextInContext(cells, { head, chain }, items) {
  const current = chain.find((play) => play.item.from === "context");
  if (items.length === 0 || current === undefined) return items[0] ?? null;
  const ids = items.map(({ id }) => id);
  const find = (id) => items.find((item) => item.id === id);
  const repeats = cells.get("mode/repeat")?.value === "all";
  const shuffle = cells.get("mode/shuffle");
  if (shuffle?.value.on) {
    const { seed } = shuffle.value;
    const first = firstOfRound(head.play, chain, current.item.id, shuffle.rank);
    const [next] = upcoming(ids, seed, current.item.id, first);
    if (next !== undefined) return find(next);
    return repeats ? find(shuffled(ids, seed, first)[0]) : null;
  }
  return items[ids.indexOf(current.item.id) + 1] ?? (repeats ? items[0] : null);
}

/** The item that a shuffled round begins with: what sounded when the epoch began, or when shuffle was set in it. */
function firstOfRound(head, chain, current, setAt) {
  let first = current;
  for (const play of chain) {
    if (play.epoch !== head.epoch) break;
    if (play.item.from !== "context") continue;
    first = play.item.id;
    if (play.rank < setAt) break;
  }
  return first;
}

/** Ids ordered by (hash, id), turned to begin with `current`, which need not be there any more; null: not turned. */
export function shuffled(ids, seed, current = null) {
  const place = (id) => ({ id, hash: murmur3(id, seed) });
  const compare = (a, b) => a.hash - b.hash || compareText(a.id, b.id);
  const order = ids.map(place).sort(compare);
  if (current === null) return order.map(({ id }) => id);
  const turn = place(current);
  const ahead = order.filter((each) => compare(each, turn) >= 0);
  return [...ahead, ...order.filter((each) => compare(each, turn) < 0)].map(({ id }) => id);
}

/** What is still to come after `current` in the round that began with `first`; neither need be there any more. */
export function upcoming(ids, seed, current, first) {
  const round = shuffled([...new Set([...ids, current])], seed, first);
  return round.slice(round.indexOf(current) + 1).filter((id) => ids.includes(id));
}

/** MurmurHash3 by Austin Appleby, the x86 32-bit variant, over UTF-8. */
export function murmur3(text, seed) {
  const data = new TextEncoder().encode(text);
  const scramble = (k) => {
    const mixed = Math.imul(k, 0xcc9e2d51);
    return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
  };
  const word = (at) => [0, 1, 2, 3].reduce((sum, i) => sum | ((data[at + i] ?? 0) << (8 * i)), 0);
  const body = data.length & ~3;
  let h = seed;
  for (let at = 0; at < body; at += 4) {
    h ^= scramble(word(at));
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  h ^= scramble(word(body)) ^ data.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
