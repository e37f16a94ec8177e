/** The names of things, and what they look like. All ids are ASCII, so that `<` orders them. */
import { InvalidEvent } from "../errors.js";

export const WRITER_LENGTH = 10;
const STREAM = /^(a:[A-Za-z0-9._~-]{1,128}|p:[A-Za-z0-9._~-]{16,128})$/;
const KEY_SAFE = /^[A-Za-z0-9._:~-]+$/;

/** Whether the text names a stream (`a:me` included, which only a gateway can resolve). */
export function isStream(text: string): boolean {
  return STREAM.test(text);
}

/** Whether the stream is a playlist's. */
export function isPlaylist(stream: string): boolean {
  return stream.startsWith("p:");
}

/** `writer.seq`; unique within a stream only. */
export function eventId(writer: string, seq: number): string {
  return `${writer}.${seq}`;
}

/** `writer.seq.k`: the k-th element (from 0) of an event. A slot id has the same form. */
export function itemId(event: string, k: number): string {
  return `${event}.${k}`;
}

/** The event of an item or slot, and its place in it; k is NaN for what is no item. */
export function splitItem(item: string): { readonly event: string; readonly k: number } {
  const dot = item.lastIndexOf(".");
  return { event: item.slice(0, dot), k: Number.parseInt(item.slice(dot + 1), 10) };
}

/** The writer and the seq of an event, or of an item's event. */
export function splitEvent(id: string): { readonly writer: string; readonly seq: number } {
  const dot = id.indexOf(".");
  if (dot < 0) return { writer: id, seq: Number.NaN };
  return { writer: id.slice(0, dot), seq: Number.parseInt(id.slice(dot + 1), 10) };
}

/** The first word of a cell's key: "queue", "play", "library", … */
export function family(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? key : key.slice(0, slash);
}

/** A text cut at its first slash; without one, the second part is empty. */
export function cutAtSlash(text: string): readonly [string, string] {
  const slash = text.indexOf("/");
  return slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
}

/**
 * An id as it stands inside a cell key: everything but `[A-Za-z0-9._:~-]` is percent-encoded as UTF-8.
 *
 * @throws InvalidEvent: it holds a lone surrogate.
 */
export function keyPart(text: string): string {
  if (KEY_SAFE.test(text)) return text;
  try {
    return encodeURIComponent(text)
      .replaceAll("%3A", ":")
      .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  } catch (cause) {
    throw new InvalidEvent(`an id holds a lone surrogate: ${JSON.stringify(text)}`, { cause });
  }
}

/** The inverse of `keyPart`. */
export function fromKeyPart(part: string): string {
  return part.includes("%") ? decodeURIComponent(part) : part;
}
