// Where an operator comes in.

import { html, useState } from "../ui.js";
import { keepToken, look } from "./ask.js";

export function SignIn({ why, onToken }) {
  const [error, setError] = useState(why);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const token = keepToken(new FormData(event.target).get("token"));
    setBusy(true);
    try {
      onToken(token, await look(token, "me"));
    } catch (refusal) {
      setError(refusal.message);
      setBusy(false);
    }
  };
  return html`<main class="sign-in">
    <form class="card" onSubmit=${submit}>
      <h1>syncd console</h1>
      <label for="token">Operator's token, or the link that <code>syncd serve</code> printed</label>
      <input class="field" id="token" name="token" type="password" autocomplete="off" required aria-describedby="token-help" />
      ${error && html`<p class="notice bad" role="alert">${error}</p>`}
      <button class="button" disabled=${busy}>Open the console</button>
      <p class="faint small" id="token-help">Make one with <code>syncd operator create NAME</code>. It stays in this tab and goes when you close it.</p>
    </form>
  </main>`;
}
