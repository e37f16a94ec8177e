import { canonical, compareText, sameJson } from "./canonical.js";
import { sha256Head } from "./sha256.js";
export function wins(cell, old) {
    if (old === undefined || cell.rank > old.rank)
        return true;
    if (old === cell || cell.rank < old.rank)
        return false;
    return compareText(canonical(cell.value), canonical(old.value)) > 0;
}
export function join(a, b) {
    return wins(b, a) ? b : a;
}
export function fold(cells, writes) {
    const changed = new Map();
    for (const [key, cell] of writes) {
        if (wins(cell, cells.get(key))) {
            cells.set(key, cell);
            changed.set(key, cell);
        }
    }
    return changed;
}
export function merge(a, b) {
    const merged = new Map(a);
    fold(merged, b);
    return merged;
}
export function sameCell(a, b) {
    return a === b || (a !== undefined && b !== undefined && a.rank === b.rank && sameJson(a.value, b.value));
}
export function digest(cells) {
    let high = 0;
    let low = 0;
    for (const [key, { rank, value }] of cells) {
        const [upper, lower] = sha256Head(`${key}\0${rank}\0${canonical(value)}`);
        low += lower;
        high = (high + upper + Math.floor(low / 2 ** 32)) % 2 ** 32;
        low %= 2 ** 32;
    }
    return hex(high) + hex(low);
}
function hex(word) {
    return word.toString(16).padStart(8, "0");
}
