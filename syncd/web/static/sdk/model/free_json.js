import { InvalidEvent } from "../errors.js";
import { EVENT_NESTING_MAX } from "../limits.js";
import { shown } from "./shape.js";
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const ALLOWED = "null, true, false, whole numbers, strings, arrays and plain objects";
export function freeJson(value, at, depth = 1) {
    if (value === null)
        return null;
    if (typeof value === "boolean")
        return value;
    if (typeof value === "string")
        return checkedText(value, at);
    if (typeof value === "number") {
        if (!Number.isSafeInteger(value))
            throw new InvalidEvent(`${at} is ${value}, numbers are whole and within ±(2^53 - 1)`);
        return value === 0 ? 0 : value;
    }
    if (typeof value !== "object")
        throw new InvalidEvent(`${at} is ${shown(value)}, allowed are ${ALLOWED}`);
    if (depth > EVENT_NESTING_MAX) {
        throw new InvalidEvent(`${at} nests deeper than ${EVENT_NESTING_MAX}, the data itself included`);
    }
    if (Array.isArray(value))
        return value.map((each, index) => freeJson(each, `${at}[${index}]`, depth + 1));
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
        throw new InvalidEvent(`${at} is a ${value.constructor?.name}, allowed are ${ALLOWED}`);
    }
    return Object.fromEntries(Object.entries(value)
        .filter(([, each]) => each !== undefined)
        .map(([key, each]) => [checkedText(key, `a key of ${at}`), freeJson(each, `${at}.${key}`, depth + 1)]));
}
function checkedText(text, at) {
    if (text.includes("\0"))
        throw new InvalidEvent(`${at} holds a NUL character: ${shown(text)}`);
    if (LONE_SURROGATE.test(text))
        throw new InvalidEvent(`${at} holds a lone surrogate: ${shown(text)}`);
    return text;
}
