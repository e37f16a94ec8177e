// Audio files of the listener's own, kept in this browser only. Their tracks are named `file:<name>~<hash>`, so that
// other devices can show what they cannot play.

import { shortHash } from "./short_hash.js";

const DATABASE = "syncd-files";
const NAME_CHARS_MAX = 100; // a track's id has at most 128

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("files", { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function inFiles(mode, ask) {
  const files = (await database()).transaction("files", mode).objectStore("files");
  const asked = ask(files);
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** How long a file lasts; null when the browser cannot play it. */
function durationOf(file) {
  return new Promise((resolve) => {
    const audio = new Audio();
    const url = URL.createObjectURL(file);
    const end = (ms) => {
      URL.revokeObjectURL(url);
      resolve(ms);
    };
    audio.onloadedmetadata = () => end(Number.isFinite(audio.duration) ? Math.round(audio.duration * 1_000) : null);
    audio.onerror = () => end(null);
    audio.src = url;
  });
}

/**
 * Keep files that people chose.
 *
 * @returns the tracks of those that can be played, and the names of those that cannot.
 */
export async function keepFiles(chosen) {
  const tracks = [];
  const refused = [];
  for (const file of chosen) {
    const duration_ms = await durationOf(file);
    if (duration_ms === null) {
      refused.push(file.name);
      continue;
    }
    const hash = shortHash(`${file.name} ${file.size} ${file.lastModified}`);
    const title = file.name.replace(/\.[^.]+$/, "").slice(0, NAME_CHARS_MAX);
    const track = { id: `file:${title}~${hash}`, title, artist: "Your own file", duration_ms };
    await inFiles("readwrite", (files) => files.put({ ...track, file }));
    tracks.push(track);
  }
  return { tracks, refused };
}

/** The tracks that are kept in this browser. */
export async function keptTracks() {
  return (await inFiles("readonly", (files) => files.getAll())).map(({ file, ...track }) => track);
}

/** The file of a track; null when this browser does not have it. */
export const keptFile = async (id) => (await inFiles("readonly", (files) => files.get(id)))?.file ?? null;

/** Forget a file; lists that name it stay as they are. */
export const dropFile = (id) => inFiles("readwrite", (files) => files.delete(id));
