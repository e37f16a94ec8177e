// Which moment is looked at: a slider with one notch for each event, a field for any time, and a mark to compare with.

import { html, useState } from "../ui.js";
import { lasting, moment } from "./format.js";

const AGO = /^(\d{1,9})\s*([smhd])$/;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `moments`: [{ at_ms, steps }], oldest first. `chosen`: the index of the last one at that time, -1 before the first.
    `at`: ms; null is now. */
export function Scrubber({ moments, chosen, at, mark, onChoose, onMoment, onMark }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const go = (event) => {
    event.preventDefault();
    const found = readMoment(text);
    setProblem(found === null ? `“${text}” is no time` : "");
    if (found !== null) onMoment(found);
  };
  const n = at === null ? moments.length : Math.max(0, chosen);
  const said = at === null ? "Now" : `${moment(at)} UTC`;
  const kinds = chosen >= 0 && at !== null ? [...new Set(moments[chosen].steps.map((step) => step.kind))].join(", ") : "";
  return html`<div class="card scrubber">
    <div class="row">
      <b class="numeric when">${said}</b>
      <span class="faint small">${at === null ? "as the devices show it" : `${lasting(Date.now() - at)} ago${kinds ? ` · after ${kinds}` : " · before everything that is loaded"}`}</span>
      <span class="row push">
        <button class="button quiet small" disabled=${n <= 0} onClick=${() => onChoose(n - 1)}><span aria-hidden="true">‹</span> Back</button>
        <button class="button quiet small" disabled=${at === null} onClick=${() => onChoose(chosen + 1)}>On <span aria-hidden="true">›</span></button>
        <button class="button quiet small" disabled=${at === null} onClick=${() => onMoment(null)}>Now</button>
      </span>
    </div>
    <div class="slide">
      <div class="notches" aria-hidden="true">${moments.map((each, i) => html`<i key=${each.at_ms} class=${notch(each, i, chosen, at)}
        style=${{ left: `${100 * i / moments.length}%`, width: `clamp(1px, ${80 / moments.length}%, 6px)` }}></i>`)}</div>
      <input type="range" min="0" max=${moments.length} step="1" value=${n} disabled=${moments.length === 0} aria-label="Moment, event by event" aria-valuetext=${said}
        onInput=${(event) => onChoose(Number(event.target.value))} />
    </div>
    <form class="row" onSubmit=${go}>
      <label class="faint small" for="moment">Go to</label>
      <input class="field moment" id="moment" placeholder="2026-11-23 12:30:00, or ago as 15m" value=${text} aria-describedby="moment-problem" onInput=${(event) => setText(event.target.value)} />
      <button class="button quiet small">Go</button>
      <span class="bad-text small" id="moment-problem" role="alert">${problem}</span>
      <span class="row push">
        ${mark !== null && html`<span class="faint small">compared with ${moment(mark)}</span>`}
        ${mark === null
          ? html`<button type="button" class="button quiet small" onClick=${() => onMark(at ?? Date.now())}>Compare from here</button>`
          : html`<button type="button" class="button quiet small" onClick=${() => onMark(null)}>Clear</button>`}
      </span>
    </form>
  </div>`;
}

function notch(moment_, i, chosen, at) {
  const lost = moment_.steps.some((step) => step.writes.some((write) => write.outcome === "lost"));
  return `${lost ? "lost" : ""} ${at !== null && i === chosen ? "here" : ""} ${at !== null && i > chosen ? "later" : ""}`.trim();
}

/** A time as operators write it, in UTC; null where it is none. */
function readMoment(text) {
  const wanted = text.trim();
  const found = AGO.exec(wanted);
  if (found) return Date.now() - Number(found[1]) * UNIT_MS[found[2]];
  if (/^\d{12,15}$/.test(wanted)) return Number(wanted);
  if (!/^\d{4}-\d\d-\d\d([T ][\d:.]+Z?)?$/.test(wanted)) return null;
  const iso = wanted.replace(" ", "T");
  const at = Date.parse(iso.length === 10 || iso.endsWith("Z") ? iso : `${iso}Z`);
  return Number.isNaN(at) ? null : at;
}
