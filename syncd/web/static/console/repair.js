// Verify and rebuild: begun here, followed by bars, cancelled where needed, and what they found.

import { html, useState } from "../ui.js";
import { act } from "./ask.js";
import { ago, count, lasting, many } from "./format.js";
import { accountOf, Ask, Empty, Progress, Section, Trouble, useAct, useLive, useShift } from "./parts.js";

export function Repair() {
  const live = useLive();
  const [account, setAccount] = useState("");
  return html`
    <div class="head"><h1>Verify and rebuild</h1></div>
    <p class="lead">Verify folds the log again in another order and compares it with the store; it reads only. Rebuild builds cells anew beside
      the live ones and swaps those that differ: devices stay connected and are sent what changed.</p>
    <div class="card form">
      <label for="whose">Whose state</label>
      <input class="field" id="whose" placeholder="Everything; or an account's name or id" value=${account} onInput=${(event) => setAccount(event.target.value)} />
      <${RepairButtons} account=${account.trim() || null} />
    </div>
    <${Section} title="Jobs of this process">
      ${live.jobs.length === 0 ? html`<${Empty} title="None yet">What you begin shows here, with how far it is. Closing the page does not end it; stopping this process does.<//>`
        : html`<ul class="jobs">${live.jobs.map((job) => html`<${Job} key=${job.job} job=${job} />`)}</ul>`}
    <//>`;
}

/** Buttons that begin work on an account, or on everything where it is null. */
export function RepairButtons({ account }) {
  const { token } = useShift();
  const [question, setQuestion] = useState(null);
  const [begin, state] = useAct((path, values) => act(token, path, { account, ...values }));
  const rebuild = () => (account === null
    ? setQuestion({ title: "Rebuild everything?", text: "All cells are built anew from the log, and those that differ are swapped. Devices stay connected; some take a snapshot.", button: "Rebuild", then: () => begin("rebuild") })
    : begin("rebuild"));
  return html`<div class="row">
      <button class="button small" disabled=${state.busy} onClick=${() => begin("verify")}>Verify</button>
      <button class="button quiet small" disabled=${state.busy} onClick=${() => begin("rebuild", { dry_run: 1 })}>Rebuild, dry run</button>
      <button class="button quiet small" disabled=${state.busy} onClick=${rebuild}>Rebuild</button>
    </div>
    <${Trouble} error=${state.error} />
    <${Ask} question=${question} onClose=${() => setQuestion(null)} />`;
}

/** One job: how far it is, or what came of it. */
export function Job({ job }) {
  const { token } = useShift();
  const [cancel, state] = useAct(() => act(token, "job/cancel", { job: job.job }));
  const { result } = job;
  return html`<li class="card job">
    <div class="row">
      <span class=${`tag ${tag(job)}`}>${result && !result.agrees && job.kind === "verify" ? "differs" : job.state}</span>
      <span class="strong">${job.what}</span>
      <span class="faint small">${job.operator}, ${ago(job.started_ms)}${job.ended_ms ? `, took ${lasting(job.ended_ms - job.started_ms)}` : ""}</span>
      ${job.state === "running" && html`<button class="button quiet small push" disabled=${state.busy} onClick=${cancel}>Cancel</button>`}
    </div>
    ${job.state === "running" && html`<${Progress} done=${job.done} of=${job.of} unit=${job.unit} label=${job.what} />`}
    ${job.error && html`<p class="bad-text">${job.error}</p>`}
    <${Trouble} error=${state.error} />
    ${result && html`<${Result} job=${job} result=${result} />`}
  </li>`;
}

function tag(job) {
  if (job.state === "running") return "live";
  if (job.state !== "done") return job.state === "failed" ? "bad" : "warn";
  return job.result.agrees || job.kind === "rebuild" ? "good" : "bad";
}

function Result({ job, result }) {
  return html`<p>${result.says}</p>
    ${result.behind > 0 && html`<p class="faint">${many(result.behind, "record")} were not folded yet, and are not compared.</p>`}
    ${result.unreadable > 0 && html`<p class="faint">${many(result.unreadable, "record")} cannot be read; see <a href="#/dead-letters">dead letters</a>.</p>`}
    ${result.differences.map((each) => html`<details class="difference" key=${each.stream} open=${result.differences.length === 1}>
      <summary><code>${each.stream}</code> ${many(each.cells, "cell")}</summary>
      <ul>${Object.entries(each.keys).map(([key, how]) => html`<li key=${key}><span class="tag">${how}</span> <code>${key}</code></li>`)}</ul>
      ${each.cells > Object.keys(each.keys).length && html`<p class="faint">and ${count(each.cells - Object.keys(each.keys).length)} more</p>`}
      <p class="faint small">digest <code>${each.digests[0]}</code> in the store, <code>${each.digests[1]}</code> by the log</p>
      ${accountOf(each.stream) && html`<div class="row"><a class="button quiet small" href=${`#/accounts/${encodeURIComponent(accountOf(each.stream))}`}>Open the account</a>
        ${job.kind === "verify" && html`<${MendButton} account=${accountOf(each.stream)} />`}</div>`}
    </details>`)}
    ${result.differ > result.differences.length && html`<p class="faint">and ${many(result.differ - result.differences.length, "stream")} more</p>`}`;
}

function MendButton({ account }) {
  const { token } = useShift();
  const [rebuild, state] = useAct(() => act(token, "rebuild", { account }));
  return html`<button class="button small" disabled=${state.busy} onClick=${rebuild}>Rebuild it</button><${Trouble} error=${state.error} />`;
}
