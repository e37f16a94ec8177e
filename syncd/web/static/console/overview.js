// How the deployment does now and did in the last half hour: figures, charts, what went wrong, and which processes tell.

import { html, useState } from "../ui.js";
import { Chart } from "./chart.js";
import { bytes, count, lasting, many, ms, rough, short } from "./format.js";
import { Cards, Empty, Notice, Row, Section, useLive } from "./parts.js";

/** @type {[number, string][]} */
const RANGES = [[5, "5 min"], [15, "15 min"], [30, "30 min"]];
const CHARTS = [
  { title: "Connections", format: count, whole: true, series: [{ name: "connections", label: "open", color: "c1", fill: true }] },
  { title: "Events a second", format: rough, series: [
    { name: "deltas", label: "deltas sent", color: "c2", fill: true }, { name: "admitted", label: "admitted", color: "c1" }] },
  { title: "Commit to delta", format: ms, series: [
    { name: "p99_ms", label: "p99", color: "c3" }, { name: "p95_ms", label: "p95", color: "c2" }, { name: "p50_ms", label: "p50", color: "c1" }] },
  { title: "Delta from another gateway", format: ms, series: [{ name: "far_p95_ms", label: "p95", color: "c2" }] },
  { title: "Lag of the projectors, records", format: count, whole: true, series: [{ name: "lag_records", label: "records", color: "c1", fill: true }] },
  { title: "Errors and refusals a second", format: rough, series: [{ name: "errors", label: "all", color: "c4", fill: true }] },
];
/** What an error's name begins with -> what to do. */
const ADVICE = [
  ["nack", "A device was refused; its player tells the listener. Many: some client misbehaves."],
  ["append", "The log did not take a group of events, or nobody knows. Devices send again. Look at the log's database or brokers."],
  ["close 4001", "The log or the store did not answer; devices come back. Look at both."],
  ["close 4002", "A device does not read what it is sent. Many on one gateway: its network, or its processor."],
  ["close 42", "A token is unknown, expired or revoked."],
  ["close 4099", "A bug: the line conversation_broke in that gateway's log has the traceback."],
  ["close 45", "A client does not speak the protocol; its author should run the shared vectors."],
  ["handshake", "Somebody asked for a socket and got none: a full gateway, a wrong origin, no websocket."],
  ["http 500", "A bug: the line bug in the API's log has the traceback."],
  ["http 5", "The API could not answer: /readyz says why."],
  ["dead letter", "A record cannot be read; see Dead letters."],
  ["unknown kind", "Projectors are older than a gateway: finish the upgrade, then rebuild."],
  ["lease lost", "A projector was frozen, or another one took over. Once is no reason to worry."],
  ["projector stood still", "Reads of the log hang: look at the log's database or brokers."],
];

export function Overview() {
  const live = useLive();
  const [minutes, setMinutes] = useState(5);
  const { sample, columns } = live;
  if (sample === null) return html`<h1>Overview</h1><p class="faint" role="status">Waiting for the first figures…</p>`;
  const { charts } = sample;
  const since_ms = columns.at_ms[0];
  return html`
    <div class="head"><h1>Overview</h1>
      <div class="choices" role="group" aria-label="How far back">
        ${RANGES.map(([range, label]) => html`<button key=${range} aria-pressed=${range === minutes} onClick=${() => setMinutes(range)}>${label}</button>`)}
      </div>
    </div>
    ${live.state === "away" && html`<${Notice} kind="bad">${live.trouble}: these are the figures of ${short(sample.at_ms)} UTC. The page asks again by itself.<//>`}
    <${Warnings} sample=${sample} />
    <div class="stats">
      <${Stat} label="Connections" value=${count(charts.connections)} beside=${many(sample.subscriptions, "subscription")} />
      <${Stat} label="Events admitted" value=${`${rough(charts.admitted)}/s`} beside=${`${rough(charts.deltas)} deltas/s`} />
      <${Stat} label="Commit to delta" value=${ms(charts.p95_ms)} beside=${charts.p95_ms === null ? "nothing sent for 10 s" : `p95; p99 ${ms(charts.p99_ms)}`} />
      <${Stat} label="Lag" value=${charts.lag_records === null ? "unknown" : count(charts.lag_records)}
        beside=${charts.lag_seconds === null ? "nobody folds" : charts.lag_records === 0 ? "all is folded" : `oldest ${ms(1_000 * charts.lag_seconds)}`}
        kind=${charts.lag_seconds === null || charts.lag_seconds > 10 ? "bad" : ""} />
      <${Stat} label="Errors" value=${`${rough(charts.errors)}/s`} beside=${sample.errors.length ? `${count(sample.errors.reduce((sum, line) => sum + line.recent, 0))} in 5 minutes` : "none"} kind=${charts.errors ? "warn" : ""} />
      <${Stat} label="Dead letters" value=${count(sample.dead_letters)} beside=${sample.dead_letters ? "waiting" : "none"} kind=${sample.dead_letters ? "warn" : ""} link="#/dead-letters" />
    </div>
    <div class="charts">${CHARTS.map((chart) => html`<${Chart} key=${chart.title} ...${chart} columns=${columns} minutes=${minutes} />`)}</div>
    <${Errors} errors=${sample.errors} />
    <${Processes} sample=${sample} />
    <p class="faint note">Covers the ${many(sample.processes.length, "process")} above: every gateway, projector and API that reported
      to the store within the last seconds. Rates and latencies are counted from the first report seen here, kept for half an hour
      by this process, since ${short(since_ms)} UTC. For longer memory and alerts watch <code>/metrics</code> with Prometheus.</p>`;
}

function Warnings({ sample }) {
  const { unfolded, trouble, partitions } = sample;
  return html`
    ${trouble && html`<${Notice} kind="bad">${trouble}<//>`}
    ${unfolded.length > 0 && !trouble && html`<${Notice} kind="warn">
      Nobody folds ${unfolded.length === partitions ? "the log" : `partition ${unfolded.slice(0, 12).join(", ")}${unfolded.length > 12 ? "…" : ""}`}:
      devices are served, state falls behind, and its lag is unknown. A projector that has just started takes some seconds; else start <code>syncd projector</code>.
    <//>`}`;
}

function Stat({ label, value, beside, kind = "", link }) {
  const inner = html`<span class="faint">${label}</span><b class="numeric">${value}</b><span class="faint small">${beside}</span>`;
  return link ? html`<a class=${`stat ${kind}`} href=${link}>${inner}</a>` : html`<div class=${`stat ${kind}`}>${inner}</div>`;
}

function Errors({ errors }) {
  return html`<${Section} title="What goes wrong">
    ${errors.length === 0
      ? html`<${Empty} title="Nothing">No error and no refusal in the last five minutes. The chart shows what was before.<//>`
      : html`<${Cards} label="Errors" head=${["What", "Now", "In 5 min", "Last (UTC)", "What to do"]}>
        ${errors.map(({ what, per_s, recent, last_ms }) => html`<${Row} key=${what} cells=${[
          ["What", html`<code>${what}</code>`],
          ["Now", html`<span class="numeric">${per_s ? `${rough(per_s)}/s` : "–"}</span>`],
          ["In 5 min", html`<span class="numeric">${count(recent)}</span>`],
          ["Last (UTC)", html`<span class="numeric">${short(last_ms)}</span>`],
          ["What to do", ADVICE.find(([begins]) => what.startsWith(begins))?.[1] ?? ""],
        ]} />`)}
      <//>`}
  <//>`;
}

function Processes({ sample }) {
  return html`<${Section} title="Processes"
    beside=${html`<span class="faint">${count(sample.slow_readers)} slow readers · ${bytes(sample.outbox_bytes)} wait in outboxes</span>`}>
    <${Cards} label="Processes" head=${["Process", "Roles", "Connections", "Folds", "Lag", "Processor", "Heard"]}>
      ${sample.processes.map((each) => html`<${Row} key=${each.process} cells=${[
        ["Process", html`<code>${each.process}</code>${each.is_draining && html` <span class="tag warn">draining</span>`}`],
        ["Roles", each.roles],
        ["Connections", html`<span class="numeric">${count(each.connections)}</span>`],
        ["Folds", html`<span class="numeric">${each.folds ? many(each.folds, "partition") : "–"}</span>`],
        ["Lag", html`<span class="numeric">${count(each.lag_records)}</span>`],
        ["Processor", html`<span class="numeric">${each.cpu === null ? "–" : `${Math.round(100 * each.cpu)} %`}</span>`],
        ["Heard", html`<span class="numeric">${each.silent_s < 1 ? "now" : `${lasting(1_000 * each.silent_s)} ago`}</span>`],
      ]} />`)}
    <//>
  <//>`;
}
