// How pages are drawn: components are functions that return html`...`. One door to the vendored libraries.

import { h } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

/** Markup as a tagged template: html`<p class="faint">${text}</p>`. Text stays text, whatever it holds. */
export const html = htm.bind(h);

export { createContext, createPortal, Fragment, render } from "./vendor/preact.js";
export { useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState } from "./vendor/hooks.js";
