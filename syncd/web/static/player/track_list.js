// A list of tracks: played by a press, each with a menu; put in order as any ordered list.

import { html } from "../ui.js";
import { useAccount } from "./account.js";
import { describe } from "./catalog.js";
import { Cover } from "./cover.js";
import { clock } from "./format.js";
import { Icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { MOVE_KEYS, OrderedList } from "./ordered_list.js";
import { Favourite, PlayWords, trackActions } from "./track_actions.js";

/**
 * @param entries - `[{id, item: {track, …}}]`.
 * @param isSounding - whether an entry is what sounds.
 * @param onPlay - `(entry)`.
 * The others are those of an ordered list.
 */
export function TrackList({ entries, label, isSounding, isPlaying, onPlay, onMove, onRemove }) {
  const account = useAccount("library", "state");
  const { pending } = account;
  const row = (entry, index, move) => html`<${Row} ...${{ entry, index, account, entries, isPlaying, onPlay, onMove, onRemove, move }}
    isPending=${pending.has(entry.id.slice(0, entry.id.lastIndexOf(".")))} sounds=${isSounding?.(entry)} />`;
  return html`<${OrderedList} ...${{ entries, label, onMove, onRemove }} nameOf=${({ item }) => describe(item).title}
    classOf=${(entry) => (isSounding?.(entry) ? " sounds" : "")} row=${row} />`;
}

function Row({ entry, index, account, entries, sounds, isPlaying, isPending, onPlay, onMove, onRemove, move }) {
  const track = describe(entry.item);
  const menu = (event) =>
    openMenu(event.currentTarget, track.title, [
      ...trackActions(account, track),
      onMove && index > 0 && { label: "Move to the top", icon: "queue", act: () => move(index, 0) },
      onMove && index < entries.length - 1 && { label: "Move to the end", icon: "queue", act: () => move(index, entries.length - 1) },
      onRemove && { label: "Remove from this list", icon: "bin", bad: true, act: () => onRemove(entry) },
    ]);
  return html`<button type="button" class="row-main" aria-current=${sounds ? "true" : undefined} onClick=${() => onPlay(entry)}
      aria-keyshortcuts=${onMove ? MOVE_KEYS : undefined}>
      <span class="row-cover"><${Cover} of=${track} size=${40} /><span class="row-sign">
        ${sounds && isPlaying ? html`<span class="bars"><i /><i /><i /></span>` : html`<${Icon} name="play" size=${20} />`}</span></span>
      <${PlayWords} track=${track} />
      ${isPending && html`<span class="pending" title="Not sent yet"><span class="unseen">, not sent yet</span></span>`}
    </button>
    <span class="row-time numeric">${track.duration_ms ? clock(track.duration_ms) : ""}</span>
    <${Favourite} track=${track} account=${account} />
    <button type="button" class="icon-button" aria-label=${`More about ${track.title}`} aria-haspopup="menu" onClick=${menu}><${Icon} name="more" /></button>`;
}
