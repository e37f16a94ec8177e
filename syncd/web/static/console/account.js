// One account: what happened, what it shows at any moment, its devices and dead letters, and how to mend it.

import { html, useEffect, useMemo, useState } from "../ui.js";
import { look } from "./ask.js";
import { ago, many, moment } from "./format.js";
import { Cards, Empty, Row, Trouble, useAnswer, useLive, useShift } from "./parts.js";
import { Changes } from "./changes.js";
import { Letters } from "./letters.js";
import { Job, RepairButtons } from "./repair.js";
import { Scrubber } from "./scrubber.js";
import { StateView } from "./state_view.js";
import { Timeline, TimelineFilter } from "./timeline.js";

const STEPS = 200;
const TABS = [["state", "State"], ["changes", "Changes"], ["devices", "Devices"], ["letters", "Dead letters"], ["repair", "Verify and rebuild"]];
/** While somebody drags the scrubber, the state is asked for when the hand rests. */
const REST_MS = 120;

export function AccountView({ name }) {
  const { document: account, error, again } = useAnswer("account", { account: name });
  if (error && !account) return html`<h1>${name}</h1><${Trouble} error=${error} onAgain=${again} /><p><a href="#/accounts">To all accounts</a></p>`;
  if (!account) return html`<h1>${name}</h1><p class="faint" role="status">Opening…</p>`;
  return html`
    <div class="head"><div><h1>${account.name}</h1>
      <p class="faint small"><code>${account.account}</code> · since ${moment(account.created_ms).slice(0, 10)} ·
        partition ${account.streams[0].partition} · ${account.streams.length === 1 ? "no playlists" : many(account.streams.length - 1, "playlist")}</p></div>
    </div>
    <${Travel} account=${account} />`;
}

/** Everything that hangs on the moment that is looked at. */
function Travel({ account }) {
  const id = account.account;
  const [filter, setFilter] = useState({ device: "", kind: "", key: "", lost: "" });
  const { steps, older, busy, error, loadOlder, refresh } = useSteps(id, filter);
  const [at, setAt] = useState(null); // a moment in ms; null is now
  const [mark, setMark] = useState(null);
  const [tab, setTab] = useState("state");
  // What was admitted in one ms cannot be told apart by time: a moment may hold several events.
  const moments = useMemo(() => momentsOf(steps), [steps]);
  const chosen = at === null ? moments.length - 1 : lastAt(moments, at);
  const before = mark ?? (chosen > 0 ? moments[chosen - 1].at_ms : chosen === 0 ? moments[0].at_ms - 1 : null);
  const choose = (n) => setAt(n >= moments.length ? null : moments[n].at_ms);
  return html`
    <${Scrubber} moments=${moments} chosen=${chosen} at=${at} mark=${mark} onChoose=${choose} onMoment=${setAt} onMark=${setMark} />
    <div class="travel">
      <section class="happened" aria-label="Timeline">
        <${TimelineFilter} account=${account} steps=${steps} filter=${filter} onFilter=${setFilter} onRefresh=${refresh} busy=${busy} />
        <${Trouble} error=${error} onAgain=${refresh} />
        ${busy && steps.length === 0 && html`<p class="faint" role="status">Reading the log…</p>`}
        <${Timeline} steps=${steps} here=${at === null ? null : moments[chosen]?.at_ms ?? 0} own=${id} onMoment=${setAt} />
        ${steps.length === 0 && !busy && !error && html`<${Empty} title="Nothing here">${Object.values(filter).some(Boolean)
          ? "No event passes these filters. Clear one of them." : "No device of this account has said anything yet."}<//>`}
        ${older && html`<button class="button quiet small" disabled=${busy} onClick=${loadOlder}>Older events</button>`}
      </section>
      <section class="shows" aria-label="At that moment">
        <div class="tabs" role="tablist" aria-label="What to show">${TABS.map(([key, label]) => html`<button key=${key} role="tab" id=${`tab-${key}`}
          aria-selected=${key === tab} aria-controls="shown" tabindex=${key === tab ? 0 : -1} onClick=${() => setTab(key)} onKeyDown=${(event) => walk(event, tab, setTab)}>${label}</button>`)}</div>
        <div id="shown" role="tabpanel" aria-labelledby=${`tab-${tab}`}>
          ${tab === "state" && html`<${State} id=${id} at=${at} />`}
          ${tab === "changes" && html`<${Changes} id=${id} since=${before} until=${at} mark=${mark} restMs=${REST_MS} onClear=${() => setMark(null)} />`}
          ${tab === "devices" && html`<${Devices} devices=${account.devices} onOnly=${(device) => setFilter({ ...filter, device })} />`}
          ${tab === "letters" && html`<${Letters} account=${id} />`}
          ${tab === "repair" && html`<${Mend} id=${id} />`}
        </div>
      </section>
    </div>`;
}

function State({ id, at }) {
  const { document, error, busy, again } = useAnswer("state", { account: id, at }, REST_MS);
  return html`<${Trouble} error=${error} onAgain=${again} />
    ${document && html`<div class=${busy ? "waits" : ""} aria-busy=${busy}><${StateView} state=${document} /></div>`}
    ${!document && !error && html`<p class="faint" role="status">Reading…</p>`}`;
}

function Devices({ devices, onOnly }) {
  if (devices.length === 0) return html`<${Empty} title="No devices">Link one with <code>syncd device link</code>.<//>`;
  return html`<${Cards} label="Devices" head=${["Name", "Id", "Linked", "Last wrote", "Login", "Events"]}>
    ${devices.map((each) => html`<${Row} key=${each.device} cells=${[
      ["Name", html`<b>${each.name}</b>`],
      ["Id", html`<code>${each.device}</code>`],
      ["Linked", html`<span title=${moment(each.linked_ms)}>${ago(each.linked_ms)}</span>`],
      ["Last wrote", html`<span title=${moment(each.last_ms)}>${ago(each.last_ms)}</span>`],
      ["Login", each.revoked_ms ? html`<span class="tag bad" title=${moment(each.revoked_ms)}>revoked</span>` : html`<span class="tag good">stands</span>`],
      ["Events", html`<button class="button quiet small" aria-label=${`Only these: ${each.name}`} onClick=${() => onOnly(each.device)}>Only these</button>`],
    ]} />`)}
  <//><p class="faint small">Who is connected right now is known to gateways alone, and not shown here.</p>`;
}

function Mend({ id }) {
  const live = useLive();
  const mine = live.jobs.filter((job) => job.what.includes(id));
  return html`<p class="faint">Of this account's stream and the playlists it owns.</p><${RepairButtons} account=${id} />
    <ul class="jobs">${mine.map((job) => html`<${Job} key=${job.job} job=${job} />`)}</ul>`;
}

/** The newest steps that pass, oldest first; more of them on demand. */
function useSteps(account, filter) {
  const { token } = useShift();
  const [state, set] = useState(/** @type {{ steps: any[], older: any, busy: boolean, error: any }} */ ({ steps: [], older: null, busy: true, error: null }));
  const [round, again] = useState(0);
  useEffect(() => {
    const aborting = new AbortController();
    set((last) => ({ ...last, busy: true }));
    const timer = setTimeout(() => look(token, "timeline", { account, ...filter, limit: STEPS }, aborting.signal).then(
      (told) => set({ steps: told.steps, older: told.older, busy: false, error: null }),
      (error) => { if (!aborting.signal.aborted) set((last) => ({ ...last, error, busy: false })); },
    ), REST_MS);
    return () => { clearTimeout(timer); aborting.abort(); };
  }, [account, JSON.stringify(filter), round]);
  const loadOlder = async () => {
    set((last) => ({ ...last, busy: true }));
    try {
      const told = await look(token, "timeline", { account, ...filter, limit: STEPS, before: state.older });
      set((last) => ({ steps: [...told.steps, ...last.steps], older: told.older, busy: false, error: null }));
    } catch (error) {
      set((last) => ({ ...last, error, busy: false }));
    }
  };
  return { ...state, loadOlder, refresh: () => again((n) => n + 1) };
}

/** The moments at which something was admitted, oldest first, with what it was. */
function momentsOf(steps) {
  const moments = [];
  for (const step of steps) {
    const last = moments[moments.length - 1];
    if (step.admitted_ms === null) continue; // it cannot be read, so nobody knows
    if (last?.at_ms === step.admitted_ms) last.steps.push(step);
    else moments.push({ at_ms: step.admitted_ms, steps: [step] });
  }
  return moments;
}

/** The last moment at that time or before; -1 where all came later. */
function lastAt(moments, at) {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle].at_ms <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Arrow keys between tabs, as screen readers expect it. */
function walk(event, tab, setTab) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const n = TABS.findIndex(([key]) => key === tab);
  const [next] = TABS[(n + step + TABS.length) % TABS.length];
  setTab(next);
  document.getElementById(`tab-${next}`)?.focus();
}
