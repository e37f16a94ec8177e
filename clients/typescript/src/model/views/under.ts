/** The cells below one prefix: how views that read a few of an account's thousands of cells find theirs. */
import type { Cell, ReadonlyCells } from "../cells.js";
import { compareText } from "../canonical.js";

/** The cells whose key begins with `prefix`, each with the rest of its key, in the map's order. One pass over all keys. */
export function under(cells: ReadonlyCells, prefix: string): (readonly [string, Cell])[] {
  const found: (readonly [string, Cell])[] = [];
  for (const [key, cell] of cells) if (key.startsWith(prefix)) found.push([key.slice(prefix.length), cell]);
  return found;
}

/** A map with its keys in code-point order. */
export function sortedByKey<T>(entries: Iterable<readonly [string, T]>): Map<string, T> {
  return new Map([...entries].sort(([a], [b]) => compareText(a, b)));
}

/** What is at a key, made when there is nothing yet. */
export function at<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}
