// Where the sound of a track comes from: a file of the listener's own, or the synthesizer.

import { describe } from "./catalog.js";
import { keptFile } from "./own_files.js";
import { chance } from "./synth.js";

const KEPT_MAX = 4; // rendered tracks; each takes 4 to 30 MB
const UNKNOWN_MS = 90_000;
const STYLES = ["tide", "pluck", "beat", "keys"];

const rendered = new Map(); // track id -> promise of an object URL, the latest used last
const asked = new Map(); // track id -> resolves with the file
/** @type {Worker | null} */
let worker = null;

/**
 * An address that an audio element can play; null for a file that is on another device.
 *
 * @param id - of the track. One that nobody here knows gets a tune of its own, so that every device can be heard.
 */
export function soundOf(id) {
  const track = describe({ track: id });
  const url = rendered.get(id) ?? (track.file ? fileUrl(id) : render(track));
  rendered.delete(id);
  rendered.set(id, url);
  for (const [old, oldUrl] of rendered) {
    if (rendered.size <= KEPT_MAX) break;
    rendered.delete(old);
    void oldUrl.then((address) => address && URL.revokeObjectURL(address));
  }
  return url;
}

async function fileUrl(id) {
  const file = await keptFile(id);
  if (file === null) rendered.delete(id); // it may be added later
  return file && URL.createObjectURL(file);
}

function render(track) {
  const random = chance(track.id);
  const score = { style: STYLES[Math.floor(random() * STYLES.length)], tempo: 60 + Math.floor(random() * 50), ...track, duration_ms: track.duration_ms ?? UNKNOWN_MS };
  const synth = worker ??= startWorker();
  return new Promise((resolve) => {
    asked.set(track.id, (file) => resolve(URL.createObjectURL(new Blob([file], { type: "audio/wav" }))));
    synth.postMessage(score);
  });
}

function startWorker() {
  const started = new Worker(new URL("./synth_worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data: { id, file } }) => {
    asked.get(id)(file);
    asked.delete(id);
  });
  return started;
}
