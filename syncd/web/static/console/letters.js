// Dead letters: records that cannot be folded, with why, and what can be done.

import { html, useState } from "../ui.js";
import { act } from "./ask.js";
import { bytes } from "./format.js";
import { accountOf, Ask, Cards, Empty, Notice, Row, Trouble, useAct, useAnswer, useShift } from "./parts.js";

export function DeadLetters() {
  return html`<div class="head"><h1>Dead letters</h1></div>
    <p class="lead">Records that could not be read when they were folded. They stop nobody; what they hold is missing from the state
      until a version that can read them retries them.</p>
    <${Letters} />`;
}

/** All of them, or those of one account. */
export function Letters({ account = null }) {
  const { token } = useShift();
  const [reason, setReason] = useState("");
  const [after, setAfter] = useState([]);
  const [open, setOpen] = useState(null);
  const [question, setQuestion] = useState(null);
  const [said, setSaid] = useState(null);
  const { document, error, busy, again } = useAnswer("dead-letters", { account, reason, after: after[after.length - 1] }, 120);
  const [retry, retrying] = useAct(async (position) => {
    const done = await act(token, "dead-letter/retry", { position });
    setSaid(done.appended ? { kind: "good", text: `${position} was appended again, at offset ${done.offset}.` } : { kind: "warn", text: `${position} stays: ${done.reason}` });
    again();
  });
  const [drop, dropping] = useAct(async (position) => {
    await act(token, "dead-letter/drop", { position });
    setSaid({ kind: "good", text: `${position} was dropped.` });
    again();
  });
  const askDrop = (letter) => setQuestion({
    title: "Drop this dead letter?",
    text: `${letter.kind || "A record"} ${letter.event} of ${letter.stream || "no stream"} can then not be retried any more. The record stays in the log.`,
    button: "Drop it", bad: true, then: () => drop(letter.position),
  });
  const letters = document?.letters ?? [];
  return html`
    <div class="row"><input class="field search" type="search" placeholder="Part of the reason, as upcast_failed" aria-label="Filter by reason" value=${reason}
        onInput=${(event) => { setAfter([]); setReason(event.target.value); }} />
      <button class="button quiet small" onClick=${again}>Refresh</button></div>
    ${said && html`<${Notice} kind=${said.kind}>${said.text}<//>`}
    <${Trouble} error=${retrying.error ?? dropping.error ?? error} onAgain=${again} />
    ${document && letters.length === 0 && !busy && html`<${Empty} title=${reason ? "None with that reason" : "No dead letters"}>
      ${reason ? "Try a shorter part of it." : "Every record of the log could be read."}<//>`}
    ${letters.length > 0 && html`<${Cards} label="Dead letters" head=${["Position", "Stream", "Kind", "Why", "Size", "Actions"]}>
      ${letters.map((letter) => html`
        <${Row} key=${letter.position} cells=${[
          ["Position", html`<button class="link" aria-expanded=${open === letter.position} onClick=${() => setOpen(open === letter.position ? null : letter.position)}>
            <code>${letter.position.split("@")[0]}</code></button>`],
          ["Stream", html`<${Stream} stream=${letter.stream} />`],
          ["Kind", html`<code>${letter.kind || "–"}</code> <span class="faint">v${letter.version}</span>`],
          ["Why", letter.reason],
          ["Size", html`<span class="numeric">${bytes(letter.body_bytes)}</span>`],
          ["Actions", html`<span class="row tight"><button class="button quiet small" disabled=${retrying.busy} aria-label=${`Retry ${letter.position}`} onClick=${() => retry(letter.position)}>Retry</button>
            <button class="button quiet small" disabled=${dropping.busy} aria-label=${`Drop ${letter.position}`} onClick=${() => askDrop(letter)}>Drop</button></span>`],
        ]} />
        ${open === letter.position && html`<tr role="row" key=${`${letter.position} opened`}><td role="cell" colspan="6"><${Opened} position=${letter.position} /></td></tr>`}`)}
    <//>`}
    <div class="row">
      ${after.length > 0 && html`<button class="button quiet small" onClick=${() => setAfter(after.slice(0, -1))}>Back</button>`}
      ${document?.after && html`<button class="button quiet small" onClick=${() => setAfter([...after, document.after])}>More</button>`}
    </div>
    <${Ask} question=${question} onClose=${() => setQuestion(null)} />`;
}

function Stream({ stream }) {
  const account = accountOf(stream);
  return account ? html`<a href=${`#/accounts/${encodeURIComponent(account)}`}><code>${stream}</code></a>` : html`<code>${stream || "–"}</code>`;
}

/** What one holds, and whether a retry would help. */
function Opened({ position }) {
  const { document, error } = useAnswer("dead-letter", { position });
  if (error) return html`<${Trouble} error=${error} />`;
  if (!document) return html`<p class="faint" role="status">Opening…</p>`;
  return html`<div class="opened">
    <p>${document.retry_fails === null
      ? html`<span class="tag good">readable</span> This version can read it: retry it.`
      : html`<span class="tag warn">not readable</span> A retry would fail: ${document.retry_fails}`}</p>
    <p class="faint">Event <code>${document.event}</code> at <code>${document.position}</code></p>
    <pre tabindex="0" aria-label="Body">${document.body || "(empty)"}</pre>
  </div>`;
}
