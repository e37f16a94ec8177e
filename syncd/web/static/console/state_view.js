// A whole state as people read it: what plays, lists, library, settings, progress, history, devices.

import { html } from "../ui.js";
import { count, many, moment, position } from "./format.js";

const ENTRIES_SHOWN = 100;

export function StateView({ state }) {
  const { cut, devices } = state;
  const named = Object.fromEntries(devices.map((each) => [each.device, each.name]));
  const of = (path, list) => cut[path] ?? list.length;
  return html`<div class="state">
    <${Playing} playback=${state.playback} named=${named} />
    <${Part} title="Queue" n=${of("queue", state.queue)} open><${Entries} entries=${state.queue} of=${of("queue", state.queue)} /><//>
    <${Part} title="Playlists" n=${state.playlists.length}>${state.playlists.map((each, n) => html`
      <details key=${each.stream}><summary>${each.name ?? html`<span class="faint">no name</span>`} <span class="faint">${many(of(`playlists/${n}/items`, each.items), "entry")}</span> <code>${each.stream}</code></summary>
        <${Entries} entries=${each.items} of=${of(`playlists/${n}/items`, each.items)} /></details>`)}<//>
    ${Object.entries(state.library).map(([set, values]) => html`<${Part} key=${set} title=${`Library: ${set}`} n=${cut[`library/${set}`] ?? Object.keys(values).length}>
      <${Pairs} pairs=${Object.entries(values)} /><//>`)}
    <${Part} title="Settings" n=${Object.keys(state.settings).length} open><${Pairs} pairs=${Object.entries(state.settings)} /><//>
    <${Part} title="Progress" n=${Object.keys(state.progress).length}>
      <${Pairs} pairs=${Object.entries(state.progress).map(([episode, at]) => [episode, `${at.played ? "played, " : ""}resumes at ${position(at.resume_ms)}, furthest ${position(at.furthest_ms)}`])} /><//>
    <${Part} title="History" n=${of("history", state.history)}>
      <${Pairs} pairs=${state.history.map((each) => [each.track, `${moment(each.started_ms)}, listened ${position(each.listened_ms)}`])} /><//>
    <${Part} title="Devices" n=${devices.length}>
      <${Pairs} pairs=${devices.map((each) => [each.name ?? each.device, [each.kind, each.revoked ? "revoked" : null, each.device].filter(Boolean).join(", ")])} /><//>
    <${Part} title="Digests" n=${Object.keys(state.digests).length}><${Pairs} pairs=${Object.entries(state.digests)} /><//>
  </div>`;
}

function Playing({ playback, named }) {
  if (playback === null) return html`<p class="faint">Nothing plays.</p>`;
  const { item } = playback;
  return html`<div class="playing">
    <b>${item.track ?? item.id}</b>
    <span>${playback.playing ? "plays" : "paused"} on <b>${named[playback.device] ?? playback.device}</b> at <span class="numeric">${position(playback.position_ms)}</span>
      ${playback.speed_permille !== 1_000 && html`, ${playback.speed_permille / 1_000}×`}</span>
    <span class="faint small">play <code>${playback.play}</code>, from ${item.from}</span>
  </div>`;
}

/** A part that can be folded away; empty ones say so and take one line. */
function Part({ title, n, open = false, children }) {
  if (n === 0) return html`<p class="part-empty faint">${title}: nothing</p>`;
  return html`<details class="part" open=${open}><summary><span class="strong">${title}</span> <span class="faint numeric">${count(n)}</span></summary>${children}</details>`;
}

function Entries({ entries, of }) {
  return html`<ol class="entries">${entries.slice(0, ENTRIES_SHOWN).map((each) => html`<li key=${each.id}>${each.track ?? html`<span class="faint">no track</span>`} <code class="faint">${each.id}</code></li>`)}</ol>
    ${of > ENTRIES_SHOWN && html`<p class="faint small">and ${count(of - ENTRIES_SHOWN)} more; <code>syncd state</code> prints all</p>`}`;
}

function Pairs({ pairs }) {
  return html`<dl class="pairs">${pairs.slice(0, ENTRIES_SHOWN).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${typeof value === "string" ? value : JSON.stringify(value)}</dd></div>`)}</dl>
    ${pairs.length > ENTRIES_SHOWN && html`<p class="faint small">and ${count(pairs.length - ENTRIES_SHOWN)} more</p>`}`;
}
