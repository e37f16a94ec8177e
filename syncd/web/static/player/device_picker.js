// Where it plays, and where it could: a press lets another device go on.

import { html, useRef } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { Icon } from "./icons.js";
import { transfer } from "./playing.js";
import { href } from "./route.js";

/**
 * What people call a device.
 *
 * @param {import("./account.js").Account} account
 */
export function nameOf(account, device) {
  const { deviceId, devices } = account.device;
  if (device === deviceId) return "this device";
  return devices.find((each) => each.device === device)?.name ?? "another device";
}

/**
 * Devices that may play, this one first.
 *
 * @param {import("./account.js").Account} account
 */
export function usable(account) {
  const { deviceId, devices, presence } = account.device;
  const here = devices.find(({ device }) => device === deviceId) ?? { device: deviceId, name: null };
  return [here, ...devices.filter(({ device, revoked }) => device !== deviceId && !revoked)].map((each) => ({
    ...each,
    isHere: each.device === deviceId,
    isOnline: each.device === deviceId || presence.get(each.device)?.online === true,
  }));
}

export function DevicePicker() {
  const account = useAccount(...PLAYBACK, "state");
  const popover = useRef(null);
  const playing = account.device.playback?.device;
  const choose = ({ device, name }) => {
    popover.current.hidePopover();
    if (device !== playing) transfer(account, device, name ?? "another device");
  };
  return html`<div class="picker">
    <button type="button" class="icon-button" popovertarget="where" aria-label="Where it plays" aria-pressed=${playing !== undefined && playing !== account.device.deviceId ? "true" : "false"}>
      <${Icon} name="devices" /></button>
    <div id="where" class="popover" popover="auto" ref=${popover} role="dialog" aria-label="Where it plays">
      <h2>Play on</h2>
      <ul>${usable(account).map((each) => html`<li key=${each.device}>
        <button type="button" class=${`device${each.device === playing ? " playing" : ""}`} disabled=${account.device.playback === null} onClick=${() => choose(each)}
          aria-current=${each.device === playing ? "true" : undefined}>
          <span class=${`dot${each.isOnline ? " online" : ""}`} />
          <span class="device-words"><b>${each.name ?? "A device"}${each.isHere ? " (here)" : ""}</b>
          <span class="faint">${each.device === playing ? "Playing" : each.isOnline ? "Online" : "Offline"}</span></span>
        </button></li>`)}</ul>
      <a class="button quiet" href=${href("devices")} onClick=${() => popover.current.hidePopover()}>Manage devices</a>
    </div>
  </div>`;
}
