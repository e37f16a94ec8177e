// The player at the bottom of every page: what sounds, its controls, where it plays.

import { html, useEffect, useReducer, useState } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { describe } from "./catalog.js";
import { Cover } from "./cover.js";
import { DevicePicker, nameOf } from "./device_picker.js";
import { clock, spoken } from "./format.js";
import { Icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { durationOf, skip, togglePlaying } from "./playing.js";
import { Favourite } from "./track_actions.js";

const TICK_MS = 250;
const SPEEDS = [800, 1_000, 1_250, 1_500, 2_000];
const SLEEPS_MIN = [15, 30, 60];
const SKIP_MS = 15_000;
const NEXT_REPEAT = { off: "all", all: "one", one: "off" };
const REPEAT_WORDS = { off: "Repeat is off", all: "Repeat all", one: "Repeat this track" };

/** @param onOpen - the phone's full view is asked for. `isQueueOpen`, `onQueue`: the drawer beside the page. */
export function Bar({ onOpen, isQueueOpen, onQueue }) {
  const account = useAccount(...PLAYBACK, "library", "state", "sound");
  const { device } = account;
  const view = device.playback;
  if (view === null) {
    return html`<footer class="bar empty" aria-label="Player"><p class="faint">Nothing plays. Pick a record, and it is here and on every device of yours.</p></footer>`;
  }
  const track = describe(view.item);
  const elsewhere = view.device !== device.deviceId;
  return html`<footer class="bar" aria-label="Player">
    ${elsewhere && html`<p class="bar-where"><${Icon} name="devices" size=${16} /> Playing on ${nameOf(account, view.device)}</p>`}
    ${account.speaker?.isBlocked && html`<button type="button" class="bar-where">Press anywhere to hear it: the browser waits for you</button>`}
    <${Seek} thin=${true} />
    <div class="bar-what">
      <button type="button" class="bar-open" onClick=${onOpen} aria-label=${`Show ${track.title} in full`}><${Cover} of=${track} size=${56} /></button>
      <div class="bar-words"><p class="bar-title" id="now-title">${track.title}</p><p class="bar-artist faint">${track.artist}</p></div>
      <${Favourite} track=${track} account=${account} />
    </div>
    <div class="bar-middle"><${Controls} /><${Seek} /></div>
    <div class="bar-side">
      <button type="button" class="icon-button" aria-label="Speed and sleep timer" aria-haspopup="menu" onClick=${(event) => openTimes(account, event.currentTarget)}><${Icon} name="moon" size=${20} /></button>
      <button type="button" class="icon-button" aria-label="Queue" aria-expanded=${isQueueOpen ? "true" : "false"} onClick=${onQueue}><${Icon} name="queue" /></button>
      <${DevicePicker} />
      <${Volume} />
    </div>
  </footer>`;
}

/** Shuffle, previous, play, next, repeat. */
export function Controls() {
  const account = useAccount(...PLAYBACK, "queue");
  const { device } = account;
  const view = device.playback;
  const { shuffle, repeat } = device.modes;
  const press = (act) => () => account.act("", act);
  const isEpisode = view !== null && describe(view.item).episode;
  return html`<div class="controls">
    <button type="button" class="icon-button" aria-pressed=${shuffle.on ? "true" : "false"} aria-label="Shuffle" onClick=${press((own) => own.setShuffle(!shuffle.on))}><${Icon} name="shuffle" size=${20} /></button>
    <button type="button" class="icon-button strong" aria-label="Previous" onClick=${press((own) => own.previous())}><${Icon} name="previous" size=${24} /></button>
    ${isEpisode && html`<button type="button" class="icon-button skip-by" aria-label="Back 15 seconds" onClick=${() => skip(account, -SKIP_MS)}>−15</button>`}
    <button type="button" class="play-button" id="toggle" aria-label=${view?.playing ? "Pause" : "Play"} onClick=${() => togglePlaying(account)}>
      <${Icon} name=${view?.playing ? "pause" : "play"} size=${24} /></button>
    ${isEpisode && html`<button type="button" class="icon-button skip-by" aria-label="Forward 15 seconds" onClick=${() => skip(account, SKIP_MS)}>+15</button>`}
    <button type="button" class="icon-button strong" id="next" aria-label="Next" onClick=${press((own) => own.next())}><${Icon} name="next" size=${24} /></button>
    <button type="button" class=${`icon-button${repeat === "one" ? " once" : ""}`} aria-pressed=${repeat === "off" ? "false" : "true"} aria-label=${REPEAT_WORDS[repeat]}
      onClick=${press((own) => own.setRepeat(NEXT_REPEAT[repeat]))}><${Icon} name="repeat" size=${20} /></button>
  </div>`;
}

/** Where it stands, and a slider to go elsewhere. `thin`: a line without a handle, as on a phone's bar. */
export function Seek({ thin }) {
  const account = useAccount(...PLAYBACK);
  const view = account.device.playback;
  const [held, hold] = useState(null);
  const [, tick] = useReducer((ticks) => ticks + 1, 0);
  const moves = view !== null && view.playing && !view.buffering;
  useEffect(() => {
    if (!moves) return undefined;
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, [moves]);
  if (view === null) return null;
  const duration = durationOf(view);
  const at = held ?? view.position_ms;
  const part = duration ? Math.min(1, at / duration) : 0;
  if (thin) return html`<div class="thin-line" aria-hidden="true"><div style=${{ transform: `scaleX(${part})` }} /></div>`;
  const drop = (event) => {
    account.act("", (device) => device.seek(Number(event.currentTarget.value)));
    hold(null);
  };
  return html`<div class="seek">
    <span class="seek-time numeric" id="position">${clock(at)}</span>
    <input type="range" class="slider" min="0" max=${duration ?? 0} step="1000" disabled=${duration === null} value=${at} aria-label="Position"
      aria-valuetext=${`${spoken(at)} of ${spoken(duration)}`} style=${{ "--part": part }} onInput=${(event) => hold(Number(event.currentTarget.value))} onChange=${drop} />
    <span class="seek-time numeric">${clock(duration)}</span>
  </div>`;
}

/** How loud the device that plays is. */
export function Volume() {
  const account = useAccount("device", ...PLAYBACK);
  const { device } = account;
  const of = device.playback?.device ?? device.deviceId;
  const volume = device.devices.find((each) => each.device === of)?.volume_permille ?? 1_000;
  const [held, hold] = useState(null);
  const drop = (event) => {
    account.act("", (own) => own.setVolume(Number(event.currentTarget.value), { device: of }));
    hold(null);
  };
  return html`<label class="volume"><${Icon} name="volume" size=${20} />
    <input type="range" class="slider" min="0" max="1000" step="10" value=${held ?? volume} aria-label=${`Volume of ${nameOf(account, of)}`}
      aria-valuetext=${`${Math.round((held ?? volume) / 10)} percent`} style=${{ "--part": (held ?? volume) / 1_000 }}
      onInput=${(event) => hold(Number(event.currentTarget.value))} onChange=${drop} /></label>`;
}

/** @param {import("./account.js").Account} account */
function openTimes(account, anchor) {
  const { device } = account;
  const speed = device.playback?.speed_permille ?? 1_000;
  const sleepAt = device.modes.sleep_at_ms;
  openMenu(anchor, "Speed and sleep timer", [
    ...SPEEDS.map((permille) => ({
      label: `Speed ${permille / 1_000}×`, icon: permille === speed ? "check" : "next",
      act: () => account.act(`Speed ${permille / 1_000}×`, (own) => own.setSpeed(permille)),
    })),
    ...SLEEPS_MIN.map((minutes) => ({
      label: `Stop in ${minutes} minutes`, icon: "moon",
      act: () => account.act(`It stops in ${minutes} minutes`, (own) => own.setSleep({ afterMs: minutes * 60_000 })),
    })),
    sleepAt !== null && { label: "No sleep timer", icon: "close", act: () => account.act("The sleep timer is off", (own) => own.setSleep({ afterMs: null })) },
  ]);
}
