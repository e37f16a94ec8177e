/** What was chosen: one value a key. Source: merge.md section 3.3. */
import type { Json } from "../canonical.js";
import type { ReadonlyCells } from "../cells.js";
import { fromKeyPart } from "../ids.js";
import { sortedByKey, under } from "./under.js";

/** All settings of an account by key, keys in code-point order; device-scoped ones read `<device>/<key>`. */
export function settingsView(cells: ReadonlyCells): ReadonlyMap<string, Json> {
  return sortedByKey(under(cells, "settings/").map(([part, cell]) => [fromKeyPart(part), cell.value]));
}
