// The operators' console: who is here, which view is shown, and the frame around it.

import { html, render, useEffect, useMemo, useState } from "../ui.js";
import { AccountView } from "./account.js";
import { Accounts } from "./accounts.js";
import { Acts } from "./acts.js";
import { forgetToken, look, readToken } from "./ask.js";
import { DeadLetters } from "./letters.js";
import { Live } from "./live.js";
import { Overview } from "./overview.js";
import { Shift, useLive } from "./parts.js";
import { Repair } from "./repair.js";
import { SignIn } from "./sign_in.js";

const VIEWS = [
  ["", "Overview", Overview],
  ["accounts", "Accounts", Accounts],
  ["dead-letters", "Dead letters", DeadLetters],
  ["repair", "Verify and rebuild", Repair],
  ["acts", "What operators did", Acts],
];

function App() {
  const [shift, setShift] = useState(null);
  const [why, setWhy] = useState("");
  const [isOpening, setOpening] = useState(true);
  const begin = (token, me) => setShift({ token, ...me, live: new Live(token) });
  const end = (reason) => {
    shift?.live.stop();
    forgetToken();
    setWhy(reason);
    setShift(null);
  };
  useEffect(() => {
    const token = readToken();
    if (token === null) { setOpening(false); return; }
    look(token, "me").then((me) => begin(token, me), (error) => { if (error.status === 401) forgetToken(); setWhy(error.message); }).finally(() => setOpening(false));
  }, []);
  useEffect(() => shift?.live.subscribe(() => { if (shift.live.refused) end(shift.live.refused.message); }), [shift]);
  if (isOpening) return html`<main class="sign-in"><p class="faint" role="status">Opening…</p></main>`;
  if (shift === null) return html`<${SignIn} key=${why} why=${why} onToken=${begin} />`;
  return html`<${Shift.Provider} value=${shift}><${Frame} onSignOut=${() => end("")} operator=${shift.operator} version=${shift.version} /><//>`;
}

function Frame({ onSignOut, operator, version }) {
  const path = usePath();
  const [first, second] = path;
  const [, title, View] = VIEWS.find(([name]) => name === first) ?? VIEWS[0];
  const isAccount = first === "accounts" && second !== undefined;
  useEffect(() => {
    document.title = `${isAccount ? second : title} - syncd console`;
    document.getElementById("view")?.focus({ preventScroll: true });
    scrollTo(0, 0);
    document.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [path.join("/")]);
  return html`
    <a class="skip" href="#view" onClick=${(event) => { event.preventDefault(); document.getElementById("view")?.focus(); }}>To the view</a>
    <div class="frame">
      <header class="side">
        <a class="brand" href="#/"><img src="/static/icon.svg" alt="" width="22" height="22" />syncd console</a>
        <nav aria-label="Views"><ul>${VIEWS.map(([name, label]) => html`<li key=${name}>
          <a href=${`#/${name}`} aria-current=${name === first ? "page" : undefined}>${label}<${Badge} view=${name} /></a></li>`)}</ul></nav>
        <div class="side-foot"><${Pulse} />
          <span class="faint small">${operator} · ${version}</span>
          <button class="button quiet small" onClick=${onSignOut}>Sign out</button></div>
      </header>
      <main id="view" tabindex="-1">${isAccount ? html`<${AccountView} key=${second} name=${second} />` : html`<${View} />`}</main>
    </div>`;
}

/** Whether figures come in. */
function Pulse() {
  const live = useLive();
  const told = { opening: "opening…", live: "live", away: `away: ${live.trouble}` }[live.state];
  return html`<span class=${`pulse ${live.state}`} role="status"><i></i>${told}</span>`;
}

/** How many wait, or run, behind a link. */
function Badge({ view }) {
  const live = useLive();
  const running = live.jobs.filter((job) => job.state === "running").length;
  const n = { "dead-letters": live.sample?.dead_letters ?? 0, repair: running }[view] ?? 0;
  return n ? html` <span class="badge numeric">${n}<span class="unseen"> ${view === "repair" ? "running" : "waiting"}</span></span>` : null;
}

/** The words of the address's fragment: `#/accounts/ada` is ["accounts", "ada"]. */
function usePath() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const turn = () => setHash(location.hash);
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);
  return useMemo(() => hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent), [hash]);
}

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("console")));
