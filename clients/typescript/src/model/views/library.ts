/** What a listener keeps: favourites, follows, ratings. Source: merge.md section 3.3. */
import { compareText } from "../canonical.js";
import type { ReadonlyCells } from "../cells.js";
import { cutAtSlash, fromKeyPart } from "../ids.js";
import { at, under } from "./under.js";

/** Set -> id -> true, or 0 to 100 in `ratings`. What was taken out again (false) is not there. */
export type LibraryView = ReadonlyMap<string, ReadonlyMap<string, boolean | number>>;

/** The sets of an account, ids in the order in which they were added, oldest first. */
export function libraryView(cells: ReadonlyCells): LibraryView {
  const library = new Map<string, Map<string, boolean | number>>();
  const entries = under(cells, "library/").filter(([, cell]) => cell.value !== false);
  entries.sort(([a, x], [b, y]) => compareText(x.rank, y.rank) || compareText(a, b));
  for (const [key, cell] of entries) {
    const [set, id] = cutAtSlash(key);
    at(library, fromKeyPart(set), () => new Map()).set(fromKeyPart(id), cell.value as boolean | number);
  }
  return library;
}
