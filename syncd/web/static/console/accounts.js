// Finding an account.

import { html, useState } from "../ui.js";
import { moment } from "./format.js";
import { Empty, Table, Trouble, useAnswer } from "./parts.js";

const ROWS = 100;

export function Accounts() {
  const [text, setText] = useState("");
  const [after, setAfter] = useState([]);
  const { document, error, busy, again } = useAnswer("accounts", { q: text, after: after[after.length - 1], limit: ROWS }, 120);
  return html`
    <div class="head"><h1>Accounts</h1></div>
    <input class="field search" type="search" placeholder="Part of a name, or an id" aria-label="Search accounts by name or id" value=${text}
      onInput=${(event) => { setAfter([]); setText(event.target.value); }} />
    <${Trouble} error=${error} onAgain=${again} />
    ${document && document.accounts.length === 0 && !busy && (text === ""
      ? html`<${Empty} title="No accounts yet">Make the first with <code>syncd account create NAME</code>.<//>`
      : html`<${Empty} title="Nobody is called that">Try fewer letters, or the account's id.<//>`)}
    ${document && document.accounts.length > 0 && html`
      <${Table} label="Accounts" head=${["Name", "Id", "Created (UTC)"]}>
        ${document.accounts.map((each) => html`<tr key=${each.account}>
          <td><a href=${`#/accounts/${encodeURIComponent(each.account)}`}>${each.name}</a></td>
          <td><code>${each.account}</code></td><td class="numeric">${moment(each.created_ms).slice(0, 19)}</td></tr>`)}
      <//>
      <div class="row">
        ${after.length > 0 && html`<button class="button quiet small" onClick=${() => setAfter(after.slice(0, -1))}>Back</button>`}
        ${document.after && html`<button class="button quiet small" onClick=${() => setAfter([...after, document.after])}>More</button>`}
      </div>`}`;
}
