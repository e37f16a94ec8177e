// Who is there: a device's link, opened or pasted.

import { readLink } from "../sdk/index.js";
import { html, useState } from "../ui.js";

/** @param why - a sentence about the login that ended, or null. `onToken`: gets the token. */
export function SignInPage({ why, onToken }) {
  const [wrong, tell] = useState("");
  const submit = (event) => {
    event.preventDefault();
    const link = readLink(event.target.elements.link.value);
    if (link === null) tell("There is no token in that. A link looks like http://…/#token=syncd_…");
    else onToken(link.token);
  };
  return html`<main class="sign-in" id="main">
    <form class="sign-in-card" onSubmit=${submit} autocomplete="off">
      <img src="/static/icon.svg" alt="" width="56" height="56" />
      <h1>One truth on every device</h1>
      <p class="faint">What plays where, the queue, playlists, favourites: the same on all of them, within milliseconds.</p>
      ${why && html`<p class="why" role="alert">${why}</p>`}
      <label for="link">Link or token of a device</label>
      <input id="link" name="link" class="field" type="password" required maxlength="1000" autocomplete="off" spellcheck=${false} aria-describedby="wrong" />
      <p id="wrong" class="wrong" role="alert">${wrong}</p>
      <button type="submit" class="button">Sign in</button>
      <p class="faint small">Open the link that <code>syncd serve</code> printed, or make one: <code>syncd device link ACCOUNT --name NAME</code></p>
    </form>
  </main>`;
}
