import { InvalidEvent } from "../errors.js";
export const WRITER_LENGTH = 10;
const STREAM = /^(a:[A-Za-z0-9._~-]{1,128}|p:[A-Za-z0-9._~-]{16,128})$/;
const KEY_SAFE = /^[A-Za-z0-9._:~-]+$/;
export function isStream(text) {
    return STREAM.test(text);
}
export function isPlaylist(stream) {
    return stream.startsWith("p:");
}
export function eventId(writer, seq) {
    return `${writer}.${seq}`;
}
export function itemId(event, k) {
    return `${event}.${k}`;
}
export function splitItem(item) {
    const dot = item.lastIndexOf(".");
    return { event: item.slice(0, dot), k: Number.parseInt(item.slice(dot + 1), 10) };
}
export function splitEvent(id) {
    const dot = id.indexOf(".");
    if (dot < 0)
        return { writer: id, seq: Number.NaN };
    return { writer: id.slice(0, dot), seq: Number.parseInt(id.slice(dot + 1), 10) };
}
export function family(key) {
    const slash = key.indexOf("/");
    return slash < 0 ? key : key.slice(0, slash);
}
export function cutAtSlash(text) {
    const slash = text.indexOf("/");
    return slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
}
export function keyPart(text) {
    if (KEY_SAFE.test(text))
        return text;
    try {
        return encodeURIComponent(text)
            .replaceAll("%3A", ":")
            .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
    }
    catch (cause) {
        throw new InvalidEvent(`an id holds a lone surrogate: ${JSON.stringify(text)}`, { cause });
    }
}
export function fromKeyPart(part) {
    return part.includes("%") ? decodeURIComponent(part) : part;
}
