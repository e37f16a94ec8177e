/**
 * One text for one value: what replicas compare byte by byte.
 *
 * UTF-8 JSON, keys sorted by their UTF-8 bytes, no spaces, no fractions; strings are escaped as `JSON.stringify` does it.
 * Source: merge.md section 2.
 */

/** A value that may stand in a cell. Numbers are whole and within ±(2^53 - 1). */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

const encoder = new TextEncoder();

/** The canonical text of a value. Recurses as deep as the value nests, which `freeJson` and the codecs bound. */
export function canonical(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const keys = Object.keys(value).sort(compareText);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(",")}}`;
}

/** How many bytes of UTF-8 a text takes. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}

/** Whether two values are one. */
export function sameJson(a: Json, b: Json): boolean {
  return a === b || (typeof a === "object" && typeof b === "object" && canonical(a) === canonical(b));
}

/**
 * Below, equal or above 0 as `a` stands before, with or after `b` in code-point order, which is the order of UTF-8 bytes.
 * JavaScript's own `<` compares UTF-16 units, in which U+FFFD comes after U+1F600.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return abovePlane(x) - abovePlane(y);
  }
  return a.length - b.length;
}

/** A UTF-16 unit, moved so that surrogates, which stand for what is beyond U+FFFF, come last. */
function abovePlane(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** `Array.isArray` for readonly arrays, whose type it does not narrow. */
export function isArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}
