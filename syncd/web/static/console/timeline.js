// Who did what, newest first, and what came of every write.

import { html, useEffect, useMemo, useRef } from "../ui.js";
import { lasting, moment, short } from "./format.js";

const MARKS = { stands: "✓", replaced: "→", lost: "✗", repeated: "=" };
const MEANING = { stands: "stands", replaced: "was replaced", lost: "lost", repeated: "said what was there" };
/** An event that arrived so much after it was made is shown with how late it came. */
const LATE_MS = 1_000;
const WRITES_SHOWN = 3;

export function TimelineFilter({ account, steps, filter, onFilter, onRefresh, busy }) {
  const kinds = useMemo(() => [...new Set([...steps.map((step) => step.kind), filter.kind].filter(Boolean))].sort(), [steps, filter.kind]);
  const set = (name) => (event) => onFilter({ ...filter, [name]: event.target.value });
  return html`<div class="filter">
    <select class="field" aria-label="Device" value=${filter.device} onChange=${set("device")}>
      <option value="">All devices</option>${account.devices.map((each) => html`<option key=${each.device} value=${each.device}>${each.name}</option>`)}</select>
    <select class="field" aria-label="Kind of event" value=${filter.kind} onChange=${set("kind")}>
      <option value="">All kinds</option>${kinds.map((kind) => html`<option key=${kind} value=${kind}>${kind}</option>`)}</select>
    <input class="field" type="search" placeholder="Cell, as settings/*" aria-label="Cell" value=${filter.key} onInput=${set("key")} />
    <label class="check"><input type="checkbox" checked=${filter.lost === "1"} onChange=${(event) => onFilter({ ...filter, lost: event.target.checked ? "1" : "" })} /> lost only</label>
    <button class="button quiet small" disabled=${busy} onClick=${onRefresh}>Refresh</button>
  </div>`;
}

/** `here`: the moment that is looked at, in ms; null is now. `own`: the account's id. */
export function Timeline({ steps, here, own, onMoment }) {
  const list = useRef(null);
  useEffect(() => {
    const room = list.current;
    const step = room.querySelector("[aria-current]");
    if (step === null || room.scrollHeight <= room.clientHeight) return;
    const isSeen = step.offsetTop >= room.scrollTop && step.offsetTop + step.offsetHeight <= room.scrollTop + room.clientHeight;
    if (!isSeen) room.scrollTop = step.offsetTop - room.clientHeight / 3;
  }, [here]);
  return html`<ol class="timeline" ref=${list} tabindex="0" aria-label="Events, newest first">
    ${[...steps].reverse().map((step) => html`<${Step} key=${`${step.stream}:${step.offset}`} step=${step} own=${own}
      isHere=${here !== null && step.admitted_ms === here} isLater=${here !== null && step.admitted_ms > here} onChoose=${() => onMoment(step.admitted_ms)} />`)}
  </ol>`;
}

function Step({ step, own, isHere, isLater, onChoose }) {
  const late_ms = step.at_ms === null ? 0 : step.admitted_ms - step.at_ms;
  const who = named(step, own);
  return html`<li class=${`step ${isLater ? "later" : ""}`} aria-current=${isHere ? "step" : undefined}>
    <button class="step-head" onClick=${onChoose} title="Go to that moment">
      <time class="numeric faint" title=${`${moment(step.admitted_ms)} UTC`}>${short(step.admitted_ms)}</time>
      <span><b>${who}</b> ${step.says}</span>
    </button>
    <div class="step-foot faint small"><code>${step.kind}</code> <code>${step.event}</code> ${step.stream !== `a:${own}` && html`<code>${step.stream}</code>`} at ${step.partition}:${step.offset}
      ${late_ms >= LATE_MS && html` <span class="tag warn">arrived ${lasting(late_ms)} after it was made</span>`}</div>
    ${step.writes.length > 0 && html`<${Writes} step=${step} own=${own} />`}
  </li>`;
}

function Writes({ step, own }) {
  const shown = step.writes.length <= WRITES_SHOWN ? step.writes : step.writes.slice(0, WRITES_SHOWN);
  const rest = step.writes.slice(shown.length);
  return html`<ul class="writes">${shown.map((write) => html`<${Write} key=${write.key} write=${write} own=${own} />`)}
    ${rest.length > 0 && html`<li><details><summary>${step.writes_count - shown.length} more cells</summary>
      <ul class="writes">${rest.map((write) => html`<${Write} key=${write.key} write=${write} own=${own} />`)}</ul></details></li>`}
  </ul>`;
}

function Write({ write, own }) {
  return html`<li class=${`write ${write.outcome}`}>
    <span class="mark" role="img" aria-label=${MEANING[write.outcome]}>${MARKS[write.outcome]}</span>
    <span><code class="key-name">${write.key}</code> = <code class="value">${write.value}</code>
    ${write.outcome === "lost" && write.by && html`<span class="why"> lost to ${named(write.by, own)}'s ${write.by.kind}: ${write.because}</span>`}
    ${write.outcome === "replaced" && write.by && html`<span class="why"> until ${named(write.by, own)}'s ${write.by.kind}, ${short(write.by.at_ms)}</span>`}
    ${write.outcome === "stands" && write.over && html`<span class="why"> over ${named(write.over, own)}'s of ${short(write.over.at_ms)}</span>`}</span>
  </li>`;
}

/** Who somebody is: the device's name, with the account where it is another one. */
function named(who, own) {
  const name = who.device_name || who.device || "the server";
  return who.account && who.account !== own ? `${name} of account ${who.account}` : name;
}
