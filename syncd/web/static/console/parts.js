// Small parts that every view uses: notices, empty states, what is waited for, a question before something is done.

import { createContext, html, useContext, useEffect, useReducer, useRef, useState } from "../ui.js";
import { look } from "./ask.js";

/** What all views share: { token, live, operator, version }. */
export const Shift = createContext(null);

export function useShift() {
  return useContext(Shift);
}

/** The live figures, drawn again at every change. */
export function useLive() {
  const { live } = useShift();
  const [, again] = useReducer((n) => n + 1, 0);
  useEffect(() => live.subscribe(again), [live]);
  return live;
}

/** What a question is answered: { document, error, busy, again }. Asked again when its values change; the last answer
    stays until the next is there. `path` null: nothing is asked. */
export function useAnswer(path, values, waitMs = 0) {
  const { token } = useShift();
  const [state, set] = useState(/** @type {{ document: any, error: any, busy: boolean }} */({ document: null, error: null, busy: path !== null }));
  const [round, again] = useReducer((n) => n + 1, 0);
  const asked = JSON.stringify([path, values]);
  useEffect(() => {
    if (path === null) return undefined;
    const aborting = new AbortController();
    set((last) => ({ ...last, busy: true }));
    const timer = setTimeout(async () => {
      try {
        const document = await look(token, path, values, aborting.signal);
        if (!aborting.signal.aborted) set({ document, error: null, busy: false });
      } catch (error) {
        if (!aborting.signal.aborted) set((last) => ({ ...last, error, busy: false }));
      }
    }, waitMs);
    return () => { clearTimeout(timer); aborting.abort(); };
  }, [asked, round, token]);
  return { ...state, again };
}

export function Notice({ kind = "warn", children, onAgain }) {
  return html`<div class="notice ${kind}" role=${kind === "bad" ? "alert" : "status"}>
    <div>${children}</div>
    ${onAgain && html`<button class="button quiet small" onClick=${onAgain}>Try again</button>`}
  </div>`;
}

/** Why something could not be shown, or nothing. */
export function Trouble({ error, onAgain }) {
  return error && html`<${Notice} kind="bad" onAgain=${onAgain}>${error.message}<//>`;
}

/** There is nothing; what to do about it. */
export function Empty({ title, children }) {
  return html`<div class="empty"><p class="strong">${title}</p><p>${children}</p></div>`;
}

/** A heading with something beside it. */
export function Section({ title, beside, children }) {
  return html`<section class="section">
    <div class="section-head"><h2>${title}</h2>${beside}</div>
    ${children}
  </section>`;
}

/** A table that scrolls by itself where it is too wide. `label` is for those who do not see it. */
export function Table({ label, head, children }) {
  return html`<div class="table-room" tabindex="0" role="region" aria-label=${label}>
    <table><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${children}</tbody></table>
  </div>`;
}

/** A table whose rows are cards on a phone, for rows that one acts on. Its rows are `Row`s, which name their cells. Roles
    are said because browsers forget them where a style sheet lays a table out otherwise. */
export function Cards({ label, head, children }) {
  return html`<div class="table-room cards"><table role="table" aria-label=${label}>
    <thead role="rowgroup"><tr role="row">${head.map((name) => html`<th scope="col" role="columnheader">${name}</th>`)}</tr></thead>
    <tbody role="rowgroup">${children}</tbody></table></div>`;
}

/** `cells`: [name, content], in the order of the head. */
export function Row({ cells }) {
  return html`<tr role="row">${cells.map(([name, content]) => html`<td role="cell" key=${name} data-label=${name}><div>${content}</div></td>`)}</tr>`;
}

/** How far something is. Nothing known yet: a bar that moves. */
export function Progress({ done, of, unit, label }) {
  const share = of ? Math.min(1, done / of) : null;
  return html`<div class="progress">
    ${share === null
      ? html`<progress aria-label=${label}></progress>`
      : html`<progress aria-label=${label} value=${share} max="1"></progress>`}
    <span class="numeric faint">${of ? `${done.toLocaleString("en")} of ${of.toLocaleString("en")} ${unit}` : "begins"}</span>
  </div>`;
}

/** Asks before something is done. `question`: { title, text, button, bad, then } or null. */
export function Ask({ question, onClose }) {
  const dialog = useRef(null);
  useEffect(() => {
    if (question) dialog.current.showModal();
    else dialog.current.close();
  }, [question]);
  return html`<dialog ref=${dialog} onClose=${onClose} aria-labelledby="ask-title">
    ${question && html`
      <h2 id="ask-title">${question.title}</h2>
      <p>${question.text}</p>
      <div class="row end">
        <button class="button quiet" onClick=${onClose} autofocus>Leave it</button>
        <button class=${`button ${question.bad ? "bad" : ""}`} onClick=${() => { onClose(); question.then(); }}>${question.button}</button>
      </div>`}
  </dialog>`;
}

/** Something that an operator starts, and how it goes.
 * @param {(...given: any[]) => Promise<unknown>} work
 * @returns {[(...given: any[]) => Promise<void>, { busy: boolean, error: any }]} */
export function useAct(work) {
  const [state, set] = useState({ busy: false, error: null });
  const run = async (...given) => {
    set({ busy: true, error: null });
    try {
      await work(...given);
      set({ busy: false, error: null });
    } catch (error) {
      set({ busy: false, error });
    }
  };
  return [run, state];
}

/** The account of a stream `a:<id>`; null for a playlist. */
export function accountOf(stream) {
  return stream.startsWith("a:") ? stream.slice(2) : null;
}
