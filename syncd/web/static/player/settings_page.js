// What was chosen: on all devices, or on this one.

import { html } from "../ui.js";
import { useAccount } from "./account.js";
import { Icon } from "./icons.js";

const THEMES = [["", "System"], ["light", "Light"], ["dark", "Dark"]];

const KEYS = [
  ["Space", "play, pause"], ["N, P", "next, previous"], ["J, L", "ten seconds back, forward"], ["↑ ↓", "from track to track"],
  ["Alt ↑ ↓", "move a track in its list"], ["Delete", "take it out"], ["Ctrl Z", "undo"],
];

/** Show the colours that were chosen for this device. */
export function applyTheme(device) {
  const theme = device.settings.get(`${device.deviceId}/theme`);
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

export function SettingsPage() {
  const account = useAccount("settings");
  const { settings, deviceId } = account.device;
  const set = (key, value, words) => account.act(words, () => settings.set(key, value));
  const theme = settings.get(`${deviceId}/theme`) ?? "";
  const toggle = (key, words) => {
    const on = settings.get(key) === true;
    return html`<label class="switch"><input type="checkbox" role="switch" aria-labelledby=${key} checked=${on} onChange=${(event) => set(key, event.currentTarget.checked, words(event.currentTarget.checked))} /><span /></label>`;
  };
  return html`<article class="page narrow">
    <h1>Settings</h1>
    <section class="card rows"><h2>On all devices</h2>
      <div class="setting"><div><h3 id="autoplay">Go on when a record ends</h3><p class="faint">The next record follows by itself.</p></div>
        ${toggle("autoplay", (on) => (on ? "The next record follows" : "Music stops at the end of a record"))}</div>
      <div class="setting"><div><h3 id="private_session">Private session</h3><p class="faint">Nothing new is written into the history.</p></div>
        ${toggle("private_session", (on) => (on ? "The session is private" : "The history goes on"))}</div>
    </section>
    <section class="card rows"><h2>On this device</h2>
      <fieldset class="setting"><legend class="unseen">Colours</legend><div><h3>Colours</h3></div>
        <div class="segments">${THEMES.map(([value, label]) => html`<label key=${value}><input type="radio" class="unseen" name="theme" checked=${theme === value}
          onChange=${() => set(`${deviceId}/theme`, value || null, "")} /><span>${label}</span></label>`)}</div></fieldset>
      <div class="setting"><div><h3>Sign out</h3><p class="faint">The link that you signed in with works again later.</p></div>
        <button type="button" class="button quiet" onClick=${() => account.signOut()}><${Icon} name="out" size=${18} /> Sign out</button></div>
    </section>
    <section class="card rows"><h2>Keys</h2>
      <dl class="keys">${KEYS.map(([keys, words]) => html`<div key=${keys}><dt>${keys}</dt><dd class="faint">${words}</dd></div>`)}</dl>
    </section>
  </article>`;
}
