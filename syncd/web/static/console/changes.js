// What changed between two moments, one line for each thing.

import { html } from "../ui.js";
import { count, moment } from "./format.js";
import { Empty, Trouble, useAnswer } from "./parts.js";

const VALUE_CHARS = 300;

export function Changes({ id, since, until, mark, restMs, onClear }) {
  const [from, to] = mark !== null && until !== null && mark > until ? [until, mark] : [since, until];
  const { document, error, busy, again } = useAnswer(from === null ? null : "difference", { account: id, since: from, until: to }, restMs);
  if (from === null) return html`<${Empty} title="Nothing to compare">There are no events yet.<//>`;
  return html`
    <p class="faint small span">From ${moment(from)} to ${to === null ? "now" : moment(to)} UTC, ${mark === null ? "which is what was done there" : "as chosen"}.
      ${mark !== null && html` <button class="link" onClick=${onClear}>Only the last step</button>`}</p>
    <${Trouble} error=${error} onAgain=${again} />
    ${document && document.changes.length === 0 && html`<${Empty} title="Nothing changed">${mark === null
      ? "What was written there lost, or says what was there already. Go back, or compare from another moment." : "Both moments show the same."}<//>`}
    ${document && document.changes.length > 0 && html`<ul class=${`changes ${busy ? "waits" : ""}`} aria-busy=${busy}>
      ${document.changes.map((change) => html`<li key=${`${change.path.join("/")} ${change.what}`} class=${change.what}>
        <span class=${`tag ${{ added: "good", removed: "bad", changed: "live", reordered: "warn" }[change.what]}`}>${change.what}</span>
        <code class="path">${change.path.join(" / ")}</code>
        ${change.what === "reordered" ? html`<span class="faint">the entries that stayed are in another order</span>` : html`
          ${change.was !== null && html`<del><span class="unseen">was </span>${plain(change.was)}</del>`}
          ${change.now !== null && html`<ins><span class="unseen">is </span>${plain(change.now)}</ins>`}`}
      </li>`)}
    </ul>
    ${document.count > document.changes.length && html`<p class="faint">and ${count(document.count - document.changes.length)} more: choose moments that are closer.</p>`}`}`;
}

/** A value on one line. An entry of a list is its track. */
function plain(value) {
  const text = typeof value === "object" && value !== null && typeof value.track === "string" ? value.track : JSON.stringify(value);
  return text.length > VALUE_CHARS ? `${text.slice(0, VALUE_CHARS)}…` : text;
}
