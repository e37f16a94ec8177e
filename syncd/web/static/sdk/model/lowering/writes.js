import { digits } from "../stamp.js";
export const FLAG = { rank: "1", value: true };
export function registers(rank, values) {
    const cells = new Map();
    for (const [key, value] of values)
        cells.set(key, { rank, value });
    return cells;
}
export function given(prefix, fields) {
    return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[prefix + name, value]]));
}
export function maxRank(n) {
    return digits(n);
}
export function epochMaxRank(epoch, n) {
    return epoch + digits(n);
}
