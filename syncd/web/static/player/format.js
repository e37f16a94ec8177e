// Times and counts as people write them.

/** 75_000 -> "1:15", 3_675_000 -> "1:01:15"; null -> "–:––". */
export function clock(ms) {
  if (ms === null || ms === undefined) return "–:––";
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const tail = String(seconds % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** The same for a voice: "1 minute 15 seconds". */
export function spoken(ms) {
  const seconds = Math.max(0, Math.floor((ms ?? 0) / 1_000));
  const minutes = Math.floor(seconds / 60);
  return [minutes && count(minutes, "minute"), count(seconds % 60, "second")].filter(Boolean).join(" ");
}

/** 1 -> "1 track", 2 -> "2 tracks". */
export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** How long a list of tracks takes: "18 min", "2 h 5 min"; empty when nobody said. */
export function lasting(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes === 0) return "";
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment, as seen from `nowMs`: "just now", "12 min ago", "yesterday" or a date. */
export function ago(ms, nowMs) {
  const minutes = Math.floor((nowMs - ms) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  if (minutes < 48 * 60) return "yesterday";
  return new Date(ms).toLocaleDateString("en", { day: "numeric", month: "long" });
}
