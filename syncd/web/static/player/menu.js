// The menu behind "…" on a track, a playlist or a device. One is open at a time; the browser closes it.

import { html, useLayoutEffect, useRef, useState } from "../ui.js";
import { Icon } from "./icons.js";

/** @type {(menu: object) => void} */
let open = () => {};

/**
 * Show a menu at a button.
 *
 * @param anchor - the button; the focus returns to it.
 * @param items - `[{label, icon?, act, bad?}]`; a null among them is left out.
 */
export const openMenu = (anchor, label, items) => open({ anchor, label, items: items.filter(Boolean) });

/** Where menus appear; stands once in the page. */
export function MenuHost() {
  const [menu, show] = useState(null);
  const host = useRef(null);
  open = show;
  useLayoutEffect(() => {
    if (menu === null) return;
    const [box, element] = [menu.anchor.getBoundingClientRect(), host.current];
    element.showPopover();
    const { width, height } = element.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.right - width), innerWidth - width - 8);
    const top = box.bottom + height + 12 > innerHeight ? Math.max(8, box.top - height - 6) : box.bottom + 6;
    Object.assign(element.style, { left: `${left}px`, top: `${top}px` });
    element.querySelector("button")?.focus();
  }, [menu]);

  const choose = (item) => {
    host.current.hidePopover();
    menu.anchor.focus();
    item.act();
  };
  const keys = (event) => {
    const buttons = [...host.current.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    buttons[(to + buttons.length) % buttons.length].focus();
  };
  return html`<div ref=${host} class="menu" popover="auto" role="menu" aria-label=${menu?.label ?? "Menu"} onKeyDown=${keys}
    onToggle=${(event) => event.newState === "closed" && show(null)}>
    ${menu?.items.map((item) => html`<button type="button" role="menuitem" class=${item.bad ? "bad" : ""} key=${item.label} onClick=${() => choose(item)}>
      <${Icon} name=${item.icon ?? "more"} size=${18} /> ${item.label}</button>`)}
  </div>`;
}
