import { compareText } from "../canonical.js";
export function under(cells, prefix) {
    const found = [];
    for (const [key, cell] of cells)
        if (key.startsWith(prefix))
            found.push([key.slice(prefix.length), cell]);
    return found;
}
export function sortedByKey(entries) {
    return new Map([...entries].sort(([a], [b]) => compareText(a, b)));
}
export function at(map, key, make) {
    const there = map.get(key);
    if (there !== undefined)
        return there;
    const made = make();
    map.set(key, made);
    return made;
}
