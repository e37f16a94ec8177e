// What operators did with the console.

import { html, useState } from "../ui.js";
import { moment } from "./format.js";
import { Empty, Table, Trouble, useAnswer } from "./parts.js";

export function Acts() {
  const [before, setBefore] = useState([]);
  const { document, error, again } = useAnswer("acts", { before: before[before.length - 1], limit: 100 });
  return html`
    <div class="head"><h1>What operators did</h1><button class="button quiet small" onClick=${again}>Refresh</button></div>
    <${Trouble} error=${error} onAgain=${again} />
    ${document && document.acts.length === 0 && html`<${Empty} title="Nothing yet">What is verified, rebuilt, retried or dropped here is
      written down with who did it.<//>`}
    ${document && document.acts.length > 0 && html`
      <${Table} label="Acts" head=${["When (UTC)", "Who", "What", "What came of it"]}>
        ${document.acts.map((act) => html`<tr key=${act.act}><td class="numeric">${moment(act.at_ms)}</td><td>${act.operator}</td>
          <td>${act.what}</td><td class="wrap">${act.outcome}</td></tr>`)}
      <//>`}
    <div class="row">
      ${before.length > 0 && html`<button class="button quiet small" onClick=${() => setBefore(before.slice(0, -1))}>Newer</button>`}
      ${document?.before && html`<button class="button quiet small" onClick=${() => setBefore([...before, document.before])}>Older</button>`}
    </div>`;
}
