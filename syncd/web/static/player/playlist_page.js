// A playlist, and the favourites, which look alike.

import { html } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { describe, entryOf, hueOf } from "./catalog.js";
import { askName } from "./dialog.js";
import { count, lasting } from "./format.js";
import { Hero } from "./hero.js";
import { Icon } from "./icons.js";
import { favourites, playEntry, playTracks, togglePlaying } from "./playing.js";
import { go, href } from "./route.js";
import { TrackList } from "./track_list.js";

/** @param id - of the playlist; its stream is kept in step while it shows. */
export function PlaylistPage({ id }) {
  const account = useAccount("items", "playlist", "library", ...PLAYBACK);
  const { device } = account;
  const playlist = device.playlist(id);
  const { name, deleted } = playlist.about;
  const title = name ?? "Untitled";
  const entries = playlist.items;
  const view = device.playback;
  const context = /** @type {any} */ (view?.context); // any JSON that a player may have written
  const isHere = context?.playlist === id;
  const total = entries.reduce((sum, { item }) => sum + (Number(item.duration_ms) || 0), 0);
  const play = (entry) => (isHere && view?.playing && view.item.id === entry.id ? togglePlaying(account) : playEntry(account, entry, playlist.context));
  const shuffle = () => {
    account.act("", (own) => own.setShuffle(true));
    playEntry(account, entries[Math.floor(Math.random() * entries.length)], playlist.context);
  };
  const rename = async () => {
    const given = await askName("Rename the playlist", title);
    if (given && given !== title) account.act(`It is called ${given} now`, () => playlist.describe({ name: given }));
  };
  const remove = () => {
    account.act(`Deleted ${title}`, () => playlist.describe({ deleted: true }));
    go("home");
  };
  const words = [count(entries.length, "track"), lasting(total)].filter(Boolean).join(", ");
  return html`<article class="page">
    <${Hero} of=${{ id, hue: hueOf(id), style: "pluck" }} kind=${deleted ? "Deleted playlist" : "Playlist"} title=${title} words=${words}
      onPlay=${entries.length ? () => playEntry(account, entries[0], playlist.context) : null} onShuffle=${entries.length > 1 ? shuffle : null}>
      <button type="button" class="icon-button" aria-label=${`Rename ${title}`} onClick=${rename}><${Icon} name="pencil" /></button>
      <button type="button" class="icon-button" aria-label=${`Delete ${title}`} onClick=${remove}><${Icon} name="bin" /></button>
    <//>
    ${entries.length === 0
      ? html`<p class="nothing faint">Nothing in it yet. “Add to a playlist” stands in the menu of every track.</p>`
      : html`<${TrackList} entries=${entries} label=${title} onPlay=${play} isPlaying=${view?.playing} isSounding=${(entry) => isHere && view?.item.id === entry.id}
          onMove=${(entry, to) => account.act("", () => playlist.move([entry.id], { to }))}
          onRemove=${(entry) => account.act(`Removed ${describe(entry.item).title}`, () => playlist.remove(entry.id))} />`}
  </article>`;
}

/** Everything with a heart, the latest first. */
export function FavouritesPage() {
  const account = useAccount("library", ...PLAYBACK);
  const view = account.device.playback;
  const tracks = favourites(account.device).reverse();
  const entries = tracks.map((track, place) => ({ id: String(place), item: entryOf(track) }));
  const about = { title: "Favourites", href: href("favourites") };
  return html`<article class="page">
    <${Hero} of=${{ id: "favourites", hue: 15, style: "pluck" }} kind="Yours" title="Favourites" words=${count(tracks.length, "track")} onPlay=${tracks.length ? () => playTracks(account, tracks, 0, about) : null} />
    ${tracks.length === 0
      ? html`<p class="nothing faint">Nothing yet. The heart beside a track keeps it here.</p>`
      : html`<${TrackList} entries=${entries} label="Favourites" onPlay=${(entry) => playTracks(account, tracks, Number(entry.id), about)} isPlaying=${view?.playing} isSounding=${(entry) => view?.item.track === entry.item.track} />`}
  </article>`;
}
