const encoder = new TextEncoder();
export function canonical(value) {
    if (typeof value !== "object" || value === null)
        return JSON.stringify(value);
    if (isArray(value))
        return `[${value.map(canonical).join(",")}]`;
    const keys = Object.keys(value).sort(compareText);
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(",")}}`;
}
export function utf8Bytes(text) {
    return encoder.encode(text).length;
}
export function sameJson(a, b) {
    return a === b || (typeof a === "object" && typeof b === "object" && canonical(a) === canonical(b));
}
export function compareText(a, b) {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i++) {
        const x = a.charCodeAt(i);
        const y = b.charCodeAt(i);
        if (x !== y)
            return abovePlane(x) - abovePlane(y);
    }
    return a.length - b.length;
}
function abovePlane(unit) {
    return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
export function isArray(value) {
    return Array.isArray(value);
}
