// A list of tracks: played by a press, put in order by dragging or by Alt and the arrows, long or short.

import { html, useLayoutEffect, useState } from "../ui.js";
import { useAccount } from "./account.js";
import { describe } from "./catalog.js";
import { Cover } from "./cover.js";
import { useRowDrag, wayOf } from "./drag.js";
import { clock } from "./format.js";
import { Icon } from "./icons.js";
import { reveal, ROW_PX, useRowsInSight } from "./long_list.js";
import { openMenu } from "./menu.js";
import { Favourite, PlayWords, trackActions } from "./track_actions.js";

/**
 * @param entries - `[{id, item: {track, …}}]`.
 * @param label - what list this is, for people who hear it.
 * @param isSounding - whether an entry is what sounds.
 * @param onPlay - `(entry)`.
 * @param onMove - `(entry, to)`: to an index of the list without it; returns what was done. Absent: the order is fixed.
 * @param onRemove - `(entry)`; absent: nothing can be taken out.
 */
export function TrackList({ entries, label, isSounding, isPlaying, onPlay, onMove, onRemove }) {
  const account = useAccount("library", "state");
  const { list, first, end } = useRowsInSight(entries.length);
  const [focus, focusOn] = useState(null);
  const { drag, press } = useRowDrag(list, entries.length, (from, to) => move(from, to));

  const move = (from, to) => {
    const entry = entries[from];
    if (entry === undefined || to < 0 || to >= entries.length) return;
    account.notify(`${describe(entry.item).title} is now ${to + 1} of ${entries.length}`, onMove(entry, to));
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

  const { pending } = account;
  const rows = [];
  for (let index = first; index < end; index += 1) rows.push(index);
  if (drag !== null && (drag.from < first || drag.from >= end)) rows.push(drag.from); // it is under the pointer
  return html`<ol ref=${list} class=${`tracks${drag ? " dragging" : ""}`} aria-label=${label} style=${{ height: `${entries.length * ROW_PX}px` }}>
    ${rows.map((index) => {
      const entry = entries[index];
      return html`<${Row} key=${entry.id} ...${{ entry, index, account, entries, keys, onPlay, onMove, onRemove, move }} press=${onMove && press} isPending=${pending.has(entry.id.slice(0, entry.id.lastIndexOf(".")))}
        sounds=${isSounding?.(entry)} isPlaying=${isPlaying} dragged=${drag?.from === index} way=${wayOf(drag, index)} />`;
    })}
  </ol>`;
}

function Row({ entry, index, account, entries, keys, press, sounds, isPlaying, isPending, dragged, way, onPlay, onMove, onRemove, move }) {
  const track = describe(entry.item);
  const menu = (event) =>
    openMenu(event.currentTarget, track.title, [
      ...trackActions(account, track),
      onMove && index > 0 && { label: "Move to the top", icon: "queue", act: () => move(index, 0) },
      onMove && index < entries.length - 1 && { label: "Move to the end", icon: "queue", act: () => move(index, entries.length - 1) },
      onRemove && { label: "Remove from this list", icon: "bin", bad: true, act: () => onRemove(entry) },
    ]);
  const shift = index * ROW_PX + way * ROW_PX;
  return html`<li class=${`track${sounds ? " sounds" : ""}${dragged ? " dragged" : ""}`} data-index=${index} aria-posinset=${index + 1} aria-setsize=${entries.length}
    style=${{ top: `${shift}px` }} onPointerDown=${press} onKeyDown=${keys}>
    <button type="button" class="row-main" aria-current=${sounds ? "true" : undefined} onClick=${() => onPlay(entry)}
      aria-keyshortcuts=${onMove ? "Alt+ArrowUp Alt+ArrowDown" : undefined}>
      <span class="row-cover"><${Cover} of=${track} size=${40} /><span class="row-sign">
        ${sounds && isPlaying ? html`<span class="bars"><i /><i /><i /></span>` : html`<${Icon} name="play" size=${20} />`}</span></span>
      <${PlayWords} track=${track} />
      ${isPending && html`<span class="pending" title="Not sent yet"><span class="unseen">, not sent yet</span></span>`}
    </button>
    <span class="row-time numeric">${track.duration_ms ? clock(track.duration_ms) : ""}</span>
    <${Favourite} track=${track} account=${account} />
    <button type="button" class="icon-button" aria-label=${`More about ${track.title}`} aria-haspopup="menu" onClick=${menu}><${Icon} name="more" /></button>
    ${onMove && html`<span class="grip" aria-hidden="true"><${Icon} name="grip" size=${20} /></span>`}
  </li>`;
}
