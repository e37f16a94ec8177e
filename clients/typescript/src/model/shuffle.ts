/**
 * The order of a shuffled context: the same on every device, and steady when a track comes or goes.
 *
 * Each item's place is a hash of its own id and the seed, so nobody has to send an order, and adding a track reshuffles
 * nothing. The listener's own queue is never shuffled. Source: merge.md section 3.2; MurmurHash3 by Austin Appleby, the
 * x86 32-bit variant.
 */
import { compareText } from "./canonical.js";

const encoder = new TextEncoder();
/** The bytes of a text while they are hashed: ids are short, and a context has thousands of them. */
const scratch = new Uint8Array(512);

/** MurmurHash3_x86_32 of a text's UTF-8; `seed` and the result are 0 to 2^32 - 1. */
export function murmur3(text: string, seed: number): number {
  const fits = 3 * text.length <= scratch.length;
  const data = fits ? scratch : encoder.encode(text);
  const length = fits ? encoder.encodeInto(text, scratch).written : data.length;
  const body = length & ~3;
  let h = seed;
  for (let at = 0; at < body; at += 4) {
    h ^= scrambled(data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24));
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let at = length - 1; at >= body; at--) tail = (tail << 8) | data[at]!;
  h ^= scrambled(tail) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function scrambled(k: number): number {
  const mixed = Math.imul(k, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

type Place = { readonly hash: number; readonly id: string };

const placeOf = (id: string, seed: number): Place => ({ hash: murmur3(id, seed), id });
const compare = (a: Place, b: Place): number => a.hash - b.hash || compareText(a.id, b.id);

/**
 * The items of a context in shuffled order.
 *
 * @param ids - of the items, in any order.
 * @param current - the item that the order is turned to begin with. It need not be there any more: then the order begins
 *   with the item that came after it. null leaves the order as the hashes have it.
 */
export function shuffled(ids: Iterable<string>, seed: number, current: string | null = null): string[] {
  let order = Array.from(ids, (id) => placeOf(id, seed)).sort(compare);
  if (current !== null) {
    const turn = placeOf(current, seed);
    const isAhead = (each: Place): boolean => compare(each, turn) >= 0;
    order = [...order.filter(isAhead), ...order.filter((each) => !isAhead(each))];
  }
  return order.map(({ id }) => id);
}

/**
 * What is still to come after `current` in the round that began with `first`; empty at its end. Neither needs to be in
 * the context any more. For "next" take the first of them; when there is none, the round is over.
 */
export function upcoming(ids: readonly string[], seed: number, current: string, first: string): string[] {
  const round = shuffled(new Set([...ids, current]), seed, first);
  const kept = new Set(ids);
  return round.slice(round.indexOf(current) + 1).filter((id) => kept.has(id));
}
