// What was heard, on whatever device.

import { html } from "../ui.js";
import { useAccount } from "./account.js";
import { describe } from "./catalog.js";
import { Cover } from "./cover.js";
import { confirmed } from "./dialog.js";
import { ago, clock } from "./format.js";
import { Icon } from "./icons.js";
import { playTracks } from "./playing.js";
import { PlayWords } from "./track_actions.js";

const SHOWN_MAX = 200;

export function HistoryPage() {
  const account = useAccount("history", "history_cleared");
  const entries = account.device.history.entries.slice(0, SHOWN_MAX);
  const clear = async () => {
    if (await confirmed("Clear the history?", "Everything heard until now goes, on all devices. This cannot be undone.", "Clear")) {
      account.act("The history is cleared", ({ history }) => history.clear());
    }
  };
  const now = Date.now();
  return html`<article class="page">
    <header class="page-head"><h1 class="page-title">History</h1>${entries.length > 0 && html`<button type="button" class="button quiet" onClick=${clear}>Clear</button>`}</header>
    ${entries.length === 0 && html`<p class="nothing faint">What you listen to for a while stands here.</p>`}
    <ul class="heard">${entries.map(({ play, track: id, started_ms, listened_ms }) => {
      const track = describe({ track: id });
      return html`<li key=${play}>
        <button type="button" class="chip" onClick=${() => playTracks(account, [track], 0, { title: "History" })}>
          <${Cover} of=${track} size=${44} /><${PlayWords} track=${track} /></button>
        <span class="faint heard-when">${ago(started_ms, now)} · ${clock(listened_ms)} heard</span>
        <button type="button" class="icon-button" aria-label=${`Remove ${track.title} from the history`} onClick=${() => account.act(`Removed ${track.title}`, ({ history }) => history.remove(play))}><${Icon} name="close" size=${18} /></button>
      </li>`;
    })}</ul>
  </article>`;
}
