// Questions that need an answer before anything goes on: a name, or a yes.

import { html, useEffect, useRef, useState } from "../ui.js";

const NAME_CHARS_MAX = 200;
/** @type {(question: object) => void} */
let open = () => {};

/** Ask for a name; null when it is called off. */
export const askName = (title, value) => new Promise((answer) => open({ title, value, answer, verb: "Save" }));

/** Ask for a yes; `verb` is what the button says. */
export const confirmed = async (title, text, verb) => (await new Promise((answer) => open({ title, text, verb, answer }))) !== null;

/** Where questions appear; stands once in the page. */
export function DialogHost() {
  const [question, ask] = useState(null);
  const host = useRef(null);
  open = ask;
  useEffect(() => {
    if (question !== null) host.current.showModal();
  }, [question]);
  if (question === null) return null;
  const { title, text, value, verb, answer } = question;
  const close = (given) => {
    host.current.close();
    ask(null);
    answer(given);
  };
  const submit = (event) => {
    event.preventDefault();
    const name = event.target.elements.name?.value.trim();
    if (name !== "") close(name ?? "yes");
  };
  return html`<dialog ref=${host} class="dialog" aria-labelledby="dialog-title" onCancel=${() => close(null)}>
    <form onSubmit=${submit}>
      <h2 id="dialog-title">${title}</h2>
      ${text && html`<p class="faint">${text}</p>`}
      ${value !== undefined && html`<label class="unseen" for="dialog-name">Name</label>
        <input id="dialog-name" class="field" name="name" maxlength=${NAME_CHARS_MAX} defaultValue=${value} placeholder="Name" autocomplete="off" autofocus />`}
      <div class="dialog-buttons">
        <button type="button" class="button quiet" onClick=${() => close(null)}>Cancel</button>
        <button type="submit" class=${`button${text ? " bad" : ""}`}>${verb}</button>
      </div>
    </form>
  </dialog>`;
}
