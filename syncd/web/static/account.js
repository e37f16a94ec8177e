// The rest of what an account shows: playlists, library, settings, devices.
// The views of syncd/model/views/{lists,library,settings,devices}.py. Source: merge.md section 3.3.

import { compareText, fromKeyPart, under } from "./cells.js";
import { readList } from "./lists.js";

const byRank = ([keyA, a], [keyB, b]) => compareText(a.rank, b.rank) || compareText(keyA, keyB);

/** Ids of the account's playlists as its sidebar orders them; those without a place come at the end, oldest first. */
export function readPlaylists(cells) {
  const added = [...under(cells, "library/playlists/")].filter(([, cell]) => cell.value === true).sort(byRank);
  const ours = new Set(added.map(([part]) => fromKeyPart(part)));
  const placed = readList(cells, "sidebar").entries.map(({ item }) => item.playlist);
  return [...new Set([...placed, ...ours])].filter((playlist) => ours.has(playlist));
}

/** Set -> how many things are in it, sets by name. */
export function readLibraryCounts(cells) {
  const counts = new Map();
  for (const [part, cell] of under(cells, "library/")) {
    if (cell.value === false) continue;
    const set = fromKeyPart(part.slice(0, part.indexOf("/")));
    counts.set(set, (counts.get(set) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => compareText(a, b));
}

/** `[key, value]` of every setting, by key. */
export function readSettings(cells) {
  const settings = [...under(cells, "settings/")].map(([part, cell]) => [fromKeyPart(part), cell.value]);
  return settings.sort(([a], [b]) => compareText(a, b));
}

/** Every device that a cell names, revoked ones included, by id. */
export function readDevices(cells) {
  const devices = new Map();
  for (const [part, cell] of under(cells, "device/")) {
    const slash = part.indexOf("/");
    const device = fromKeyPart(part.slice(0, slash));
    if (!devices.has(device)) devices.set(device, { device, name: null, kind: null, revoked: false });
    devices.get(device)[part.slice(slash + 1)] = cell.value;
  }
  return [...devices.values()].sort((a, b) => compareText(a.device, b.device));
}
