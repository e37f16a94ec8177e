// Numbers and times as operators read them. Times are UTC, as in the logs and in what the commands print.

const NOTHING = "–";
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const ROUGH = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** A count: 12,345. */
export function count(n) {
  return n === null || n === undefined ? NOTHING : WHOLE.format(n);
}

/** A measure to three digits. */
export function rough(n) {
  return n === null || n === undefined ? NOTHING : n >= 1_000 ? WHOLE.format(n) : ROUGH.format(n);
}

/** So many of a thing: "1 record", "2 records", "3 entries", "4 processes". */
export function many(n, thing) {
  if (n === 1) return `1 ${thing}`;
  return `${count(n)} ${thing.endsWith("y") ? `${thing.slice(0, -1)}ies` : `${thing}${thing.endsWith("s") ? "es" : "s"}`}`;
}

/** ms as people say them: 0.8 ms, 12 ms, 1.2 s. */
export function ms(n) {
  if (n === null || n === undefined) return NOTHING;
  return n >= 1_000 ? `${ROUGH.format(n / 1_000)} s` : `${ROUGH.format(n)} ms`;
}

export function bytes(n) {
  if (n === null || n === undefined) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (n >= 1_024 && unit < units.length - 1) { n /= 1_024; unit += 1; }
  return `${ROUGH.format(n)} ${units[unit]}`;
}

/** 2026-11-23 12:31:45.123 */
export function moment(at_ms) {
  return at_ms ? new Date(at_ms).toISOString().replace("T", " ").replace("Z", "") : NOTHING;
}

/** 12:31:45, with the day when it is not today. */
export function short(at_ms, now_ms = Date.now()) {
  if (!at_ms) return NOTHING;
  const [day, time] = moment(at_ms).split(" ");
  return day === moment(now_ms).slice(0, 10) ? time.slice(0, 8) : `${day} ${time.slice(0, 8)}`;
}

/** A length of time in its largest unit: 45 s, 12 min, 3.5 h, 2 days. */
export function lasting(length_ms) {
  /** @type {[number, string][]} */
  const units = [[86_400_000, "days"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]];
  for (const [size, name] of units) {
    if (length_ms >= 2 * size || (size === 1_000 && length_ms >= size)) return `${ROUGH.format(Math.round(length_ms / size * 10) / 10)} ${name}`;
  }
  return `${Math.max(0, Math.round(length_ms))} ms`;
}

/** How long ago something was. */
export function ago(at_ms, now_ms = Date.now()) {
  return at_ms ? `${lasting(now_ms - at_ms)} ago` : "never";
}

/** A position in a track: 1:05, 1:00:05. */
export function position(position_ms) {
  const seconds = Math.floor(position_ms / 1_000);
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${h ? `${h}:${String(m).padStart(2, "0")}` : m}:${String(s).padStart(2, "0")}`;
}
