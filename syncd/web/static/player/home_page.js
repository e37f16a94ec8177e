// The first page: go on where you were, or begin something.

import { html } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { ALBUMS, bundled, describe, SHOWS } from "./catalog.js";
import { Cover } from "./cover.js";
import { usable } from "./device_picker.js";
import { Icon } from "./icons.js";
import { OwnFiles } from "./own_files_shelf.js";
import { playTracks } from "./playing.js";
import { href } from "./route.js";
import { Episode } from "./show_page.js";
import { PlayWords } from "./track_actions.js";

const RECENT_MAX = 6;

function greeting() {
  const hour = new Date().getHours();
  return hour < 5 ? "Still up?" : hour < 12 ? "Good morning" : hour < 18 ? "Good afternoon" : "Good evening";
}

export function HomePage() {
  const account = useAccount("progress", "history", "history_cleared", ...PLAYBACK);
  const { device } = account;
  const begun = [...device.progress.all].filter(([id, seen]) => !seen.played && seen.furthest_ms > 0 && bundled(id)).map(([id]) => bundled(id));
  const recent = [...new Set(device.history.entries.map(({ track }) => track))].slice(0, RECENT_MAX).map((track) => describe({ track }));
  return html`<article class="page">
    <h1>${greeting()}</h1>
    <${SecondDevice} />
    ${begun.length > 0 && html`<section aria-labelledby="continue"><h2 id="continue" class="shelf-title">Continue listening</h2>
      <ul class="episodes">${begun.map((episode) => html`<${Episode} key=${episode.id} episode=${episode} account=${account} />`)}</ul></section>`}
    <section aria-labelledby="records"><h2 id="records" class="shelf-title">Records</h2>
      <ul class="shelf">${[...ALBUMS, ...SHOWS].map((each) => html`<${Tile} key=${each.id} of=${each} account=${account} />`)}</ul></section>
    ${recent.length > 0 && html`<section aria-labelledby="recent"><h2 id="recent" class="shelf-title">Lately heard</h2>
      <ul class="chips">${recent.map((track, place) => html`<li key=${track.id}><button type="button" class="chip"
        onClick=${() => playTracks(account, recent, place, { title: "Lately heard" })}>
        <${Cover} of=${track} size=${48} /><${PlayWords} track=${track} /></button></li>`)}</ul></section>`}
    <${OwnFiles} />
  </article>`;
}

/** As long as nobody else is here: how to see what syncd is for, in one press. */
function SecondDevice() {
  const account = useAccount("state", "device");
  if (!account.device.connected || usable(account).filter(({ isOnline }) => isOnline).length > 1) return null;
  const open = async () => {
    const opened = window.open("about:blank"); // now, while the press counts; its address comes in a moment
    const link = await account.login.link("Second window", (words) => account.notify(words));
    if (link && opened) opened.location.replace(link.url);
    else opened?.close();
  };
  return html`<aside class="card invite" aria-label="A second device">
    <${Icon} name="devices" size=${28} /><p><b>See it move.</b> <span class="faint">Open a second window as a device of its own, put them side by side, and press play.</span></p>
    <button type="button" class="button" onClick=${open}>Open a second device</button></aside>`;
}

/** A record or a show: its page, and a button that plays it. */
function Tile({ of, account }) {
  const isShow = of.tracks[0].episode === true;
  const { playback } = account.device;
  const plays = playback?.playing && bundled(playback.item.track)?.album === of.id;
  const play = () => (plays ? account.act("", (own) => own.pause()) : playTracks(account, of.tracks, 0, { title: of.title, href: href("album", of.id) }));
  return html`<li class="tile">
    <a href=${href(isShow ? "show" : "album", of.id)}><${Cover} of=${of} size="100%" /><span class="row-title">${of.title}</span><span class="row-artist">${of.artist}</span></a>
    ${!isShow && html`<button type="button" class="play-button" aria-label=${`${plays ? "Pause" : "Play"} ${of.title}`} onClick=${play}><${Icon} name=${plays ? "pause" : "play"} size=${22} /></button>`}
  </li>`;
}
