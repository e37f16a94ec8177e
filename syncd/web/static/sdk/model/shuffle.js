import { compareText } from "./canonical.js";
const encoder = new TextEncoder();
const scratch = new Uint8Array(512);
export function murmur3(text, seed) {
    const fits = 3 * text.length <= scratch.length;
    const data = fits ? scratch : encoder.encode(text);
    const length = fits ? encoder.encodeInto(text, scratch).written : data.length;
    const body = length & ~3;
    let h = seed;
    for (let at = 0; at < body; at += 4) {
        h ^= scrambled(data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24));
        h = (h << 13) | (h >>> 19);
        h = (Math.imul(h, 5) + 0xe6546b64) | 0;
    }
    let tail = 0;
    for (let at = length - 1; at >= body; at--)
        tail = (tail << 8) | data[at];
    h ^= scrambled(tail) ^ length;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
}
function scrambled(k) {
    const mixed = Math.imul(k, 0xcc9e2d51);
    return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
const placeOf = (id, seed) => ({ hash: murmur3(id, seed), id });
const compare = (a, b) => a.hash - b.hash || compareText(a.id, b.id);
export function shuffled(ids, seed, current = null) {
    let order = Array.from(ids, (id) => placeOf(id, seed)).sort(compare);
    if (current !== null) {
        const turn = placeOf(current, seed);
        const isAhead = (each) => compare(each, turn) >= 0;
        order = [...order.filter(isAhead), ...order.filter((each) => !isAhead(each))];
    }
    return order.map(({ id }) => id);
}
export function upcoming(ids, seed, current, first) {
    const round = shuffled(new Set([...ids, current]), seed, first);
    const kept = new Set(ids);
    return round.slice(round.indexOf(current) + 1).filter((id) => kept.has(id));
}
