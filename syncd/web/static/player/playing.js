// What people press, in the account's words. Starting something here makes this tab the one that sounds.

import { ALBUMS, bundled, describe, entryOf, SHOWS } from "./catalog.js";

/** Places of an episode that are further apart than this are both offered. */
export const FAR_APART_MS = 60_000;

const CONTEXT_TRACKS_MAX = 300; // a context travels in the event; 300 ids of 128 characters stay below its 64 KiB

/**
 * Play tracks from one of them on. `about`: `{title, href}` of what they are, for whoever shows it.
 *
 * @param {import("./account.js").Account} account
 */
export function playTracks(account, tracks, index, about) {
  const from = Math.max(0, Math.min(index, tracks.length - CONTEXT_TRACKS_MAX));
  const context = { tracks: tracks.slice(from, from + CONTEXT_TRACKS_MAX).map(({ id }) => id), ...about };
  account.speaker?.claim();
  account.act("", (device) => device.play({ ...entryOf(tracks[index]), id: String(index - from) }, { context }));
}

/**
 * Play an entry of a list that devices share: of a playlist, with its context; of the queue, with none.
 *
 * @param {import("./account.js").Account} account
 */
export function playEntry(account, entry, context) {
  account.speaker?.claim();
  account.act("", (device) => device.play(entry, { context: context ?? device.playback?.context ?? null }));
}

/**
 * Play an episode from a place; one that was heard to its end begins anew.
 *
 * @param {import("./account.js").Account} account
 */
export function playEpisode(account, episode, positionMs) {
  const show = /** @type {typeof SHOWS[number]} */ (SHOWS.find(({ id }) => id === episode.album));
  const context = { tracks: show.tracks.map(({ id }) => id), title: show.title, href: `#/show/${show.id}` };
  const seen = account.device.progress.of(episode.id);
  if (seen?.played) account.act("", (device) => device.progress.markPlayed(episode.id, { played: false }));
  account.speaker?.claim();
  account.act("", (device) => device.play({ ...entryOf(episode), id: String(episode.place) }, { context, positionMs: seen?.played ? 0 : positionMs }));
}

/** Where an episode can be gone on with: one place, or two that are far apart. */
export function placesOf(progress) {
  if (!progress || progress.played) return [0];
  const { resume_ms, furthest_ms } = progress;
  return furthest_ms - resume_ms > FAR_APART_MS ? [resume_ms, furthest_ms] : [resume_ms];
}

/**
 * Play or pause.
 *
 * @param {import("./account.js").Account} account
 * @param {boolean} [on] - which of the two; else the other than now.
 */
export function togglePlaying(account, on) {
  const view = account.device.playback;
  if (view === null) return;
  const playing = on ?? !view.playing;
  if (playing && view.device === account.device.deviceId) account.speaker?.claim();
  account.act("", (device) => (playing ? device.resume() : device.pause()));
}

/**
 * Forward or back by some ms.
 *
 * @param {import("./account.js").Account} account
 */
export function skip(account, byMs) {
  const view = account.device.playback;
  if (view === null) return;
  const end = durationOf(view) ?? Infinity;
  account.act("", (device) => device.seek(Math.round(Math.min(Math.max(view.position_ms + byMs, 0), end))));
}

/**
 * Let a device go on with what plays.
 *
 * @param {import("./account.js").Account} account
 */
export function transfer(account, device, name) {
  const here = device === account.device.deviceId;
  if (here) account.speaker?.claim();
  account.act(`Playing on ${here ? "this device" : name}`, (own) => (here ? own.playHere() : own.transfer(device)));
}

/** Of what plays, as its start or the catalog says; null when nobody knows. */
export const durationOf = (view) => view.duration_ms ?? describe(view.item).duration_ms ?? null;

/** The tracks that are favourites and that anybody here can name, the oldest first. */
export const favourites = (device) => [...(device.library.sets.get("tracks")?.keys() ?? [])].map((id) => describe({ track: id }));

/** What the SDK asks when it goes on: the items of a context, with durations where the catalog knows them. */
export function contexts(context) {
  if (!Array.isArray(context?.tracks)) return null;
  return context.tracks.map((track, place) => withDuration({ id: String(place), track }));
}

/** What comes when a context is over: the record after the one that was played. */
export function radio(context) {
  const last = Array.isArray(context?.tracks) ? bundled(context.tracks.at(-1)) : undefined;
  const at = ALBUMS.findIndex(({ id }) => id === last?.album);
  const [track] = ALBUMS[(at + 1) % ALBUMS.length].tracks;
  return withDuration({ id: `radio.${track.id}`, track: track.id });
}

function withDuration(item) {
  const duration_ms = bundled(item.track)?.duration_ms;
  return duration_ms === undefined ? item : { ...item, duration_ms };
}
