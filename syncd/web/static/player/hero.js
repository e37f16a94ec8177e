// The head of a page about a record, a show or a playlist.

import { html } from "../ui.js";
import { Cover } from "./cover.js";
import { Icon } from "./icons.js";

/** @param children - more buttons. */
export function Hero({ of, kind, title, words, onPlay, onShuffle, children }) {
  return html`<header class="hero">
    <${Cover} of=${of} size="100%" />
    <div class="hero-words"><p class="label">${kind}</p><h1>${title}</h1><p class="faint">${words}</p>
      <div class="hero-buttons">
        ${onPlay && html`<button type="button" class="button" onClick=${onPlay}><${Icon} name="play" size=${18} /> Play</button>`}
        ${onShuffle && html`<button type="button" class="button quiet" onClick=${onShuffle}><${Icon} name="shuffle" size=${18} /> Shuffle</button>`}
        ${children}
      </div></div>
  </header>`;
}
