// State is a map of cells, and one rule merges it: of two writes to one cell the larger rank stays; on equal rank the
// larger canonical value. Repeats and another order change nothing. Source: merge.md section 2.

/** Code-point order, which is that of UTF-8 bytes; `<` on strings compares 16-bit units and differs beyond the BMP. */
export function compareText(a, b) {
  const left = a[Symbol.iterator]();
  const right = b[Symbol.iterator]();
  for (;;) {
    const x = left.next();
    const y = right.next();
    if (x.done || y.done) return (x.done ? 0 : 1) - (y.done ? 0 : 1);
    const difference = x.value.codePointAt(0) - y.value.codePointAt(0);
    if (difference !== 0) return difference;
  }
}

/** The one text of a value: JSON without spaces, keys sorted. Values nest a few levels; admission bounds them at 32. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort(compareText);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

/** Whether a cell replaces the one that is there. Ranks are ASCII, so `<` compares their bytes. */
export function wins(rank, value, old) {
  if (old === undefined || rank > old.rank) return true;
  if (rank < old.rank) return false;
  return compareText(canonical(value), canonical(old.value)) > 0;
}

/** Join writes, `[key, rank, value]` each, into a `Map` of cells `{rank, value}`, in place. Returns the keys that changed. */
export function fold(cells, writes) {
  const changed = [];
  for (const [key, rank, value] of writes) {
    if (wins(rank, value, cells.get(key))) {
      cells.set(key, { rank, value });
      changed.push(key);
    }
  }
  return changed;
}

/** The cells below a prefix, as `[rest of the key, cell]`. */
export function* under(cells, prefix) {
  for (const [key, cell] of cells) {
    if (key.startsWith(prefix)) yield [key.slice(prefix.length), cell];
  }
}

/** An id as it stands inside a key: all but `[A-Za-z0-9._:~-]` is percent-encoded. */
export const keyPart = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%3A/g, ":");

/** The inverse of `keyPart`. */
export const fromKeyPart = (part) => decodeURIComponent(part);
