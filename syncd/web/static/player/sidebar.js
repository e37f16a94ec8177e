// The way around: pages and playlists; on a phone the tabs at the bottom, and a page that holds the rest.

import { html } from "../ui.js";
import { useAccount } from "./account.js";
import { hueOf } from "./catalog.js";
import { Cover } from "./cover.js";
import { askName } from "./dialog.js";
import { count } from "./format.js";
import { Icon } from "./icons.js";
import { MOVE_KEYS, OrderedList } from "./ordered_list.js";
import { go, href } from "./route.js";

const PLACES = [["home", "Home", "home"], ["favourites", "Favourites", "heartLine"], ["history", "History", "history"], ["devices", "Devices", "devices"], ["settings", "Settings", "settings"]];
const TABS = [["home", "Home", "home"], ["library", "Library", "library"], ["queue", "Queue", "queue"], ["devices", "Devices", "devices"]];

const titleOf = ({ about }) => about.name ?? "Untitled";

/** @type {(route: any, place: string[]) => unknown} */
const link = (route, [page, label, icon]) =>
  html`<li key=${page}><a href=${href(page)} aria-current=${route.page === page ? "page" : undefined}><${Icon} name=${icon} /><span>${label}</span></a></li>`;

export function Sidebar({ route }) {
  return html`<aside class="sidebar">
    <a class="brand" href=${href("home")}><img src="/static/icon.svg" alt="" width="26" height="26" /> syncd</a>
    <nav aria-label="Pages"><ul class="places">${PLACES.map((place) => link(route, place))}</ul></nav>
    <nav class="playlists" aria-label="Playlists" data-scroller><${Playlists} route=${route} /></nav>
    <${Connection} />
  </aside>`;
}

export const Tabs = ({ route }) => html`<nav class="tabs" aria-label="Pages"><ul>${TABS.map((place) => link(route, place))}</ul></nav>`;

/** The phone's page for what the sidebar holds elsewhere. */
export const LibraryPage = ({ route }) => html`<article class="page">
  <header class="page-head"><h1 class="page-title">Library</h1></header>
  <ul class="places">${PLACES.filter(([page]) => page !== "home" && page !== "devices").map((place) => link(route, place))}</ul>
  <div class="playlists"><${Playlists} route=${route} /></div>
</article>`;

function Playlists({ route }) {
  const account = useAccount("library", "sidebar", "playlist", "items");
  const create = async () => {
    const name = await askName("New playlist", "");
    if (!name) return;
    const playlist = account.device.createPlaylist(name);
    account.notify(`Made ${name}`);
    go("playlist", playlist.id);
  };
  const row = (playlist) => html`<a class="row-main" href=${href("playlist", playlist.id)} draggable=${false} aria-keyshortcuts=${MOVE_KEYS}
    aria-current=${route.page === "playlist" && route.id === playlist.id ? "page" : undefined}>
    <${Cover} of=${{ id: playlist.id, hue: hueOf(playlist.id), style: "pluck" }} size=${32} /><span class="row-words"><span class="row-title">${titleOf(playlist)}</span>
    <span class="row-artist">${count(playlist.length, "track")}</span></span></a>`;
  return html`<header class="playlists-head"><h2 class="label">Playlists</h2>
    <button type="button" class="icon-button" aria-label="New playlist" onClick=${create}><${Icon} name="plus" size=${20} /></button></header>
  <${OrderedList} entries=${account.device.playlists} label="Playlists" nameOf=${titleOf} row=${row}
    onMove=${(playlist, to) => account.act("", (device) => device.movePlaylist(playlist, { to }))} />`;
}

/** Whether what shows is what the other devices show; quiet as long as it is. */
export function Connection() {
  const account = useAccount("state");
  const { connected, owed, state } = account.device;
  const words = owed > 0 ? `${count(owed, "change")} to send` : connected ? "In step" : state === "connecting" ? "Connecting" : "Offline";
  const kind = connected ? (owed > 0 ? "sending" : "live") : "away";
  return html`<p class=${`connection ${kind}`} title=${connected ? "" : "What you do is kept here, and sent when the connection is back."}>
    <span class="dot" />${words}${!connected && owed > 0 ? ", offline" : ""}</p>`;
}
