// What plays, in full: the view of a phone, and of whoever leans back.

import { html, useEffect, useRef } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { Controls, Seek, Volume } from "./bar.js";
import { describe } from "./catalog.js";
import { Cover } from "./cover.js";
import { nameOf, usable } from "./device_picker.js";
import { Icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { transfer } from "./playing.js";
import { href } from "./route.js";
import { Favourite, trackActions } from "./track_actions.js";

export function NowSheet({ onClose }) {
  const account = useAccount(...PLAYBACK, "library", "state");
  const dialog = useRef(null);
  const view = account.device.playback;
  const isGone = view === null;
  useEffect(() => {
    if (isGone) onClose();
    else dialog.current.showModal();
  }, [isGone]);
  if (isGone) return null;
  const track = describe(view.item);
  const devices = (event) =>
    openMenu(event.currentTarget, "Play on", usable(account).map((each) => ({
      label: `${each.name ?? "A device"}${each.isHere ? " (here)" : each.isOnline ? "" : " (offline)"}`,
      icon: each.device === view.device ? "check" : "devices",
      act: () => each.device !== view.device && transfer(account, each.device, each.name ?? "another device"),
    })));
  return html`<dialog ref=${dialog} class="now" aria-label="What plays" onClose=${onClose}>
    <header class="now-head">
      <button type="button" class="icon-button" aria-label="Close" onClick=${() => dialog.current.close()}><${Icon} name="down" /></button>
      <p class="faint">Playing on ${nameOf(account, view.device)}</p>
      <button type="button" class="icon-button" aria-label=${`More about ${track.title}`} aria-haspopup="menu"
        onClick=${(event) => openMenu(event.currentTarget, track.title, trackActions(account, track))}><${Icon} name="more" /></button>
    </header>
    <div class="now-cover"><${Cover} of=${track} size="100%" /></div>
    <div class="now-words"><div><h2>${track.title}</h2><p class="faint">${track.artist}</p></div><${Favourite} track=${track} account=${account} /></div>
    <${Seek} />
    <${Controls} />
    <div class="now-foot">
      <button type="button" class="button quiet" aria-haspopup="menu" onClick=${devices}><${Icon} name="devices" size=${18} /> ${nameOf(account, view.device)}</button>
      <${Volume} />
      <a class="icon-button" href=${href("queue")} aria-label="Queue" onClick=${() => dialog.current.close()}><${Icon} name="queue" /></a>
    </div>
  </dialog>`;
}
