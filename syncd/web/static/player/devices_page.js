// The account's devices: what they are called, which are here, and the end of a login.

import { html, useState } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { usable } from "./device_picker.js";
import { askName, confirmed } from "./dialog.js";
import { Icon } from "./icons.js";
import { transfer } from "./playing.js";

export function DevicesPage() {
  const account = useAccount("state", ...PLAYBACK);
  const [link, show] = useState(null);
  const { device } = account;
  const rename = async ({ device: id, name }) => {
    const given = await askName("Rename the device", name ?? "");
    if (given && given !== name) account.act(`It is called ${given} now`, (own) => own.emit("device.described", { device: id, name: given }));
  };
  const revoke = async ({ device: id, name }) => {
    const text = "It is signed out at once and for good. What it has not sent yet stays on it.";
    if (await confirmed(`Sign out ${name ?? "this device"}?`, text, "Sign out")) await account.login.revoke(id, (words) => account.notify(words));
  };
  const add = async () => {
    const name = await askName("What is the new device called?", "");
    if (name) show(await account.login.link(name, (words) => account.notify(words)));
  };
  return html`<article class="page narrow">
    <header class="page-head"><h1 class="page-title">Devices</h1><button type="button" class="button" onClick=${add}><${Icon} name="plus" size=${18} /> Add a device</button></header>
    ${link && html`<div class="card linked"><h2>${link.name} is ready</h2><p class="faint">Open this link there, or here in a new window, which is then a device of its own. It is shown once.</p>
      <div class="linked-row"><input class="field" readonly value=${link.url} aria-label="Link" onFocus=${(event) => event.currentTarget.select()} />
      <a class="button" href=${link.url} target="_blank" rel="noopener">Open here</a></div></div>`}
    <ul class="card rows">${usable(account).map((each) => html`<li class="setting" key=${each.device}>
      <span class=${`dot${each.isOnline ? " online" : ""}`} />
      <div><h3>${each.name ?? "A device"}</h3><p class="faint">${[each.isHere && "this device", each.isOnline ? "online" : "offline", device.playback?.device === each.device && "playing"].filter(Boolean).join(" · ")}</p></div>
      ${device.playback && device.playback.device !== each.device && html`<button type="button" class="button quiet" onClick=${() => transfer(account, each.device, each.name ?? "another device")}>${each.isHere ? "Play here" : "Play there"}</button>`}
      <button type="button" class="icon-button" aria-label=${`Rename ${each.name ?? "the device"}`} onClick=${() => rename(each)}><${Icon} name="pencil" size=${20} /></button>
      ${!each.isHere && html`<button type="button" class="icon-button" aria-label=${`Sign out ${each.name ?? "the device"}`} onClick=${() => revoke(each)}><${Icon} name="bin" size=${20} /></button>`}
    </li>`)}</ul>
  </article>`;
}
