// A record: its tracks in their order.

import { html } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { entryOf } from "./catalog.js";
import { count, lasting } from "./format.js";
import { Hero } from "./hero.js";
import { playTracks, togglePlaying } from "./playing.js";
import { href } from "./route.js";
import { choosePlaylist } from "./track_actions.js";
import { TrackList } from "./track_list.js";

export function AlbumPage({ album }) {
  const account = useAccount(...PLAYBACK, "library");
  const view = account.device.playback;
  const { tracks, title, artist, year, id } = album;
  const about = { title, href: href("album", id) };
  const entries = tracks.map((track, place) => ({ id: String(place), item: entryOf(track) }));
  const total = tracks.reduce((sum, { duration_ms }) => sum + duration_ms, 0);
  const play = (entry) => (view?.playing && view.item.track === entry.item.track ? togglePlaying(account) : playTracks(account, tracks, Number(entry.id), about));
  const shuffle = () => {
    account.act("", (device) => device.setShuffle(true));
    playTracks(account, tracks, Math.floor(Math.random() * tracks.length), about);
  };
  return html`<article class="page">
    <${Hero} of=${{ id, hue: album.hue, style: album.style }} kind="Record" title=${title} words=${`${artist} · ${year} · ${count(tracks.length, "track")}, ${lasting(total)}`}
      onPlay=${() => playTracks(account, tracks, 0, about)} onShuffle=${shuffle}>
      <button type="button" class="button quiet" aria-haspopup="menu" onClick=${() => choosePlaylist(account, tracks)}>Add to a playlist</button>
    <//>
    <${TrackList} entries=${entries} label=${title} onPlay=${play} isPlaying=${view?.playing} isSounding=${(entry) => view?.item.track === entry.item.track} />
  </article>`;
}
