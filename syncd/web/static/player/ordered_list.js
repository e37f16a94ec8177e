// A list that a listener puts in order, by dragging or by Alt and the arrows, long or short.

import { html, useLayoutEffect, useState } from "../ui.js";
import { useAccount } from "./account.js";
import { useRowDrag, wayOf } from "./drag.js";
import { Icon } from "./icons.js";
import { reveal, ROW_PX, useRowsInSight } from "./long_list.js";

/** For the `.row-main` of a row that can be moved. */
export const MOVE_KEYS = "Alt+ArrowUp Alt+ArrowDown";

/**
 * @param entries - each has an `id`.
 * @param label - what list this is, for people who hear it.
 * @param nameOf - `(entry)`: what its new place is told of.
 * @param onMove - `(entry, to)`: to an index of the list without it; returns what was done, null if nothing. Absent: the order is fixed.
 * @param onRemove - `(entry)`; absent: nothing can be taken out.
 * @param classOf - `(entry)`: more classes of its row.
 * @param row - `(entry, index, move)`: what is in a row; what takes the focus is `.row-main`. `move(from, to)`.
 */
export function OrderedList({ entries, label, nameOf, onMove, onRemove, classOf, row }) {
  const account = useAccount();
  const { list, first, end } = useRowsInSight(entries.length);
  const [focus, focusOn] = useState(null);
  const { drag, press } = useRowDrag(list, entries.length, (from, to) => move(from, to));

  const move = (from, to) => {
    const entry = entries[from];
    if (entry === undefined || to < 0 || to >= entries.length) return;
    const done = onMove(entry, to);
    if (done) account.notify(`${nameOf(entry)} is now ${to + 1} of ${entries.length}`, done);
  };
  useLayoutEffect(() => {
    if (focus === null) return;
    list.current.querySelector(`[data-index="${focus}"] .row-main`)?.focus();
    focusOn(null);
  }, [focus, entries]);

  const keys = (event) => {
    const index = Number(event.currentTarget.dataset.index);
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (event.key === "Delete" && onRemove && event.target.matches(".row-main")) {
      onRemove(entries[index]);
      focusOn(Math.min(index, entries.length - 2));
    } else if (to !== undefined && to >= 0 && to < entries.length && event.target.matches(".row-main")) {
      event.preventDefault();
      if (event.altKey && onMove) move(index, to);
      reveal(list.current, to);
      focusOn(to);
    }
  };

  const rows = [];
  for (let index = first; index < end; index += 1) rows.push(index);
  if (drag !== null && (drag.from < first || drag.from >= end)) rows.push(drag.from); // it is under the pointer
  return html`<ol ref=${list} class=${`tracks${drag ? " dragging" : ""}`} aria-label=${label} style=${{ height: `${entries.length * ROW_PX}px` }}>
    ${rows.map((index) => {
      const entry = entries[index];
      const top = (index + wayOf(drag, index)) * ROW_PX;
      return html`<li key=${entry.id} class=${`track${classOf?.(entry) ?? ""}${drag?.from === index ? " dragged" : ""}`} data-index=${index}
        aria-posinset=${index + 1} aria-setsize=${entries.length} style=${{ top: `${top}px` }} onPointerDown=${onMove && press} onKeyDown=${keys}>
        ${row(entry, index, move)}
        ${onMove && html`<span class="grip" aria-hidden="true"><${Icon} name="grip" size=${20} /></span>`}
      </li>`;
    })}
  </ol>`;
}
