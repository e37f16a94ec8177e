// What comes next: the listener's own queue, and after it what the context holds.

import { html } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { describe } from "./catalog.js";
import { Cover } from "./cover.js";
import { count } from "./format.js";
import { Icon } from "./icons.js";
import { contexts, playEntry } from "./playing.js";
import { TrackList } from "./track_list.js";

const THEN_MAX = 5;

/** @param onClose - of the drawer; absent on the page. */
export function Queue({ onClose }) {
  const account = useAccount("queue", ...PLAYBACK);
  const { device } = account;
  const view = device.playback;
  const entries = device.queue.items;
  const now = view && describe(view.item);
  const then = view ? followers(account, view) : [];
  const remove = (entry) => account.act(`Removed ${describe(entry.item).title}`, ({ queue }) => queue.remove(entry.id));
  return html`<section class="queue" aria-label="Queue">
    <header class="page-head"><h2 class="page-title">Queue</h2>
      ${entries.length > 0 && html`<button type="button" class="button quiet" onClick=${() => account.act("Cleared the queue", ({ queue }) => queue.clear())}>Clear</button>`}
      ${onClose && html`<button type="button" class="icon-button" aria-label="Close the queue" onClick=${onClose}><${Icon} name="close" /></button>`}</header>
    ${now && html`<div class="queue-now"><${Cover} of=${now} size=${48} /><div><p class="label">Now</p><p class="row-title">${now.title}</p><p class="row-artist">${now.artist}</p></div></div>`}
    <p class="label">${entries.length === 0 ? "Next" : `Next, ${count(entries.length, "track")}`}</p>
    ${entries.length === 0
      ? html`<p class="nothing faint">Your queue is empty. “Play next” and “Add to the queue” in the menu of a track put it here, on all your devices.</p>`
      : html`<${TrackList} entries=${entries} label="Queue" onPlay=${(entry) => playEntry(account, entry, null)} onRemove=${remove}
          onMove=${(entry, to) => account.act("", ({ queue }) => queue.move([entry.id], { to }))} />`}
    ${then.length > 0 && html`<p class="label queue-then">Then${sourceOf(account, view?.context)}</p>
      <ul class="then">${then.map((track, place) => html`<li key=${place}><${Cover} of=${track} size=${32} /><span class="row-words"><span class="row-title">${track.title}</span><span class="row-artist">${track.artist}</span></span></li>`)}</ul>`}
  </section>`;
}

/** " from …", where the context has a name. */
function sourceOf({ device }, context) {
  const name = context?.playlist ? device.playlist(context.playlist).about.name : context?.title;
  return name ? ` from ${name}` : "";
}

/** What the context goes on with, as far as it is in its own order. */
function followers({ device }, { context, item }) {
  if (device.modes.shuffle.on || item.from !== "context") return [];
  const items = context?.playlist ? device.playlist(context.playlist).items.map((entry) => ({ id: entry.id, ...entry.item })) : (contexts(context) ?? []);
  const at = items.findIndex(({ id }) => id === item.id);
  return at < 0 ? [] : items.slice(at + 1, at + 1 + THEN_MAX).map(describe);
}
