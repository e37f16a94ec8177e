// What was just done, in a sentence at the edge of the page, with a way back; screen readers hear it.

import { html } from "../ui.js";
import { useAccount } from "./account.js";
import { Icon } from "./icons.js";

export function Notice() {
  const account = useAccount("notice");
  const { notice } = account;
  const undo = notice?.done?.undo;
  return html`<div class="notices">
    <p class="unseen" role="status">${notice?.words}</p>
    ${notice && html`<div class="notice" onMouseEnter=${() => account.hold()} onFocusIn=${() => account.hold()}>
      <span aria-hidden="true">${notice.words}</span>
      ${undo && html`<button type="button" class="link" onClick=${() => account.undo()}>Undo</button>`}
      <button type="button" class="icon-button small" aria-label="Close the notice" onClick=${() => account.dismiss()}><${Icon} name="close" size=${16} /></button>
    </div>`}
  </div>`;
}
