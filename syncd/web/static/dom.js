// The least that the page needs of a view library. Text only ever becomes text, never markup.

export const byId = (id) => document.getElementById(id);

/** An element with properties, attributes (`aria-…`, `data-…`) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** Sets text only when it differs, so that a screen reader is not told twice. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Makes the children of `parent` those of `entries`, in order. A child keeps its element as long as its key stays, and with
 * it the focus.
 *
 * @param {function(object): string} keyOf
 * @param {function(object): Element} make
 * @param {function(Element, object)} update called for new children too.
 */
export function showAll(parent, entries, keyOf, make, update) {
  const held = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const entry of entries) {
    const key = keyOf(entry);
    let child = held.get(key);
    held.delete(key);
    if (child === undefined) {
      child = make(entry);
      child.dataset.key = key;
    }
    update(child, entry);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of held.values()) child.remove();
}
