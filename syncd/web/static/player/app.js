// The pages and what stands around them.

import { html, useEffect, useRef, useState } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { AlbumPage } from "./album_page.js";
import { Bar } from "./bar.js";
import { collectionOf, describe } from "./catalog.js";
import { nameOf } from "./device_picker.js";
import { DevicesPage } from "./devices_page.js";
import { DialogHost } from "./dialog.js";
import { HistoryPage } from "./history_page.js";
import { HomePage } from "./home_page.js";
import { MenuHost } from "./menu.js";
import { Notice } from "./notice.js";
import { NowSheet } from "./now_sheet.js";
import { skip, togglePlaying } from "./playing.js";
import { FavouritesPage, PlaylistPage } from "./playlist_page.js";
import { Queue } from "./queue_page.js";
import { useRoute } from "./route.js";
import { applyTheme, SettingsPage } from "./settings_page.js";
import { ShowPage } from "./show_page.js";
import { Connection, LibraryPage, Sidebar, Tabs } from "./sidebar.js";

const SKIP_MS = 10_000;
const PLAYLIST_ID_CHARS_MIN = 16; // a shorter one is none: a mistyped address shows the first page

function Page({ route }) {
  const { page, id } = route;
  const collection = collectionOf(id);
  if (page === "album" && collection) return html`<${AlbumPage} album=${collection} />`;
  if (page === "show" && collection) return html`<${ShowPage} show=${collection} />`;
  if (page === "playlist" && id.length >= PLAYLIST_ID_CHARS_MIN) return html`<${PlaylistPage} key=${id} id=${id} />`;
  const Found = { favourites: FavouritesPage, history: HistoryPage, devices: DevicesPage, settings: SettingsPage, queue: Queue, library: LibraryPage }[page] ?? HomePage;
  return html`<${Found} route=${route} />`;
}

export function App() {
  const account = useAccount("settings", ...PLAYBACK, "state");
  const route = useRoute();
  const [isQueueOpen, openQueue] = useState(true);
  const [isFull, showFull] = useState(false);
  const main = useRef(null);
  const isFirst = useRef(true);
  const { device } = account;
  const view = device.playback;
  const track = view && describe(view.item);
  useEffect(() => applyTheme(device), [device.settings.get(`${device.deviceId}/theme`)]);
  useEffect(() => {
    document.documentElement.style.setProperty("--hue", track?.hue ?? 275);
    document.title = track ? `${track.title} · ${track.artist}` : "syncd";
  }, [track?.id]);
  useEffect(() => {
    // Another page begins at its top, and a screen reader at its beginning; the first one is where the browser begins.
    if (isFirst.current) isFirst.current = false;
    else main.current.focus({ preventScroll: true });
    main.current.scrollTop = 0;
  }, [route.page, route.id]);
  useEffect(() => {
    const keys = (event) => shortcut(event, account);
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [account]);
  const hasDrawer = isQueueOpen && route.page !== "queue";
  return html`<div class=${`app${hasDrawer ? " with-queue" : ""}`}>
    <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), main.current.focus())}>Skip to the page</a>
    <${Sidebar} route=${route} />
    <main id="main" class="main" ref=${main} tabindex="-1" data-scroller>
      <div class="phone-head"><span class="brand"><img src="/static/icon.svg" alt="" width="24" height="24" /> syncd</span><${Connection} /></div>
      ${device.player.offersPlayHere && html`<div class="offer card" role="status"><p>You listen by yourself; ${nameOf(account, device.player.live?.device)} goes on with something else.</p>
        <button type="button" class="button" onClick=${() => account.act("Playing on this device", (own) => own.playHere())}>Play here</button>
        <button type="button" class="button quiet" onClick=${() => account.act("", (own) => void own.player.leaveDetached())}>Join the others</button></div>`}
      <${Page} route=${route} />
    </main>
    ${hasDrawer && html`<aside class="drawer" data-scroller tabindex="-1"><${Queue} onClose=${() => openQueue(false)} /></aside>`}
    <${Bar} onOpen=${() => showFull(true)} isQueueOpen=${isQueueOpen} onQueue=${() => openQueue(!isQueueOpen)} />
    <${Tabs} route=${route} />
    ${isFull && html`<${NowSheet} onClose=${() => showFull(false)} />`}
    <${Notice} /><${MenuHost} /><${DialogHost} />
  </div>`;
}

/**
 * Keys that work wherever nothing else takes them.
 *
 * @param {import("./account.js").Account} account
 */
function shortcut(event, account) {
  const typing = event.target.closest("input:not([type=range]), textarea, select, dialog");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing) return account.undo();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const act = {
    " ": () => togglePlaying(account),
    n: () => account.act("", (device) => device.next()),
    p: () => account.act("", (device) => device.previous()),
    l: () => skip(account, SKIP_MS),
    j: () => skip(account, -SKIP_MS),
  }[event.key];
  if (act === undefined || (event.key === " " && event.target.closest("button, a, [role=switch]"))) return undefined;
  event.preventDefault();
  return act();
}
