import { fromKeyPart } from "../ids.js";
import { sortedByKey, under } from "./under.js";
export function settingsView(cells) {
    return sortedByKey(under(cells, "settings/").map(([part, cell]) => [fromKeyPart(part), cell.value]));
}
