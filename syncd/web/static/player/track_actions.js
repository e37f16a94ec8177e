// What can be done with a track wherever it shows.

import { html } from "../ui.js";
import { entryOf } from "./catalog.js";
import { askName } from "./dialog.js";
import { Icon } from "./icons.js";
import { openMenu } from "./menu.js";

/**
 * Entries of a track's menu.
 *
 * @param {import("./account.js").Account} account
 */
export function trackActions(account, track) {
  return [
    { label: "Play next", icon: "next", act: () => account.act(`${track.title} plays next`, (device) => device.queue.playNext(entryOf(track))) },
    { label: "Add to the queue", icon: "queue", act: () => account.act(`Added ${track.title} to the queue`, (device) => device.queue.add(entryOf(track))) },
    { label: "Add to a playlist…", icon: "plus", act: () => choosePlaylist(account, [track]) },
  ];
}

/**
 * Ask for a playlist, then add tracks to it; "New playlist" makes one.
 *
 * @param {import("./account.js").Account} account
 */
export function choosePlaylist(account, tracks) {
  const anchor = document.activeElement;
  const what = tracks.length === 1 ? tracks[0].title : `${tracks.length} tracks`;
  const add = (playlist, name) => account.act(`Added ${what} to ${name}`, () => playlist.add(...tracks.map(entryOf)));
  const create = async () => {
    const name = await askName("New playlist", "");
    if (name) add(account.device.createPlaylist(name), name);
  };
  openMenu(anchor, "Add to a playlist", [
    { label: "New playlist…", icon: "plus", act: create },
    ...account.device.playlists.map((playlist) => {
      const name = playlist.about.name ?? "Untitled";
      return { label: name, icon: "queue", act: () => add(playlist, name) };
    }),
  ]);
}

/** Title and artist inside of a button that plays them, with what a voice says between. */
export const PlayWords = ({ track }) => html`<span class="row-words"><span class="unseen">Play</span><span class="row-title">${track.title}</span>
  <span class="unseen">by</span><span class="row-artist">${track.artist}</span></span>`;

/** The heart on a track. */
export function Favourite({ track, account }) {
  const on = account.device.library.has("tracks", track.id);
  const words = on ? `${track.title} is no favourite any more` : `${track.title} is a favourite`;
  const toggle = () => account.act(words, ({ library }) => (on ? library.remove("tracks", track.id) : library.add("tracks", track.id)));
  return html`<button type="button" class="icon-button heart" aria-pressed=${on ? "true" : "false"} aria-label=${`Favourite: ${track.title}`} onClick=${toggle}>
    <${Icon} name=${on ? "heart" : "heartLine"} size=${20} /></button>`;
}
