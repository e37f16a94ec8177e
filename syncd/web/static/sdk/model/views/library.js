import { compareText } from "../canonical.js";
import { cutAtSlash, fromKeyPart } from "../ids.js";
import { at, under } from "./under.js";
export function libraryView(cells) {
    const library = new Map();
    const entries = under(cells, "library/").filter(([, cell]) => cell.value !== false);
    entries.sort(([a, x], [b, y]) => compareText(x.rank, y.rank) || compareText(a, b));
    for (const [key, cell] of entries) {
        const [set, id] = cutAtSlash(key);
        at(library, fromKeyPart(set), () => new Map()).set(fromKeyPart(id), cell.value);
    }
    return library;
}
