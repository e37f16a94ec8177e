// The keys of a keyboard, a headset or a lock screen, and what they show.

import { describe } from "./catalog.js";
import { PLAYBACK } from "./account.js";
import { skip, togglePlaying } from "./playing.js";

/**
 * Follow what plays, where the browser knows of it. Returns what ends that.
 *
 * @param {import("./account.js").Account} account
 */
export function bindMediaSession(account) {
  const session = navigator.mediaSession;
  if (session === undefined) return () => {};
  /** @type {Partial<Record<MediaSessionAction, MediaSessionActionHandler>>} */
  const handlers = {
    play: () => togglePlaying(account, true),
    pause: () => togglePlaying(account, false),
    nexttrack: () => account.act("", (device) => device.next()),
    previoustrack: () => account.act("", (device) => device.previous()),
    seekforward: () => skip(account, 15_000),
    seekbackward: () => skip(account, -15_000),
    seekto: ({ seekTime }) => account.act("", (device) => device.seek(Math.round((seekTime ?? 0) * 1_000))),
  };
  const actions = /** @type {MediaSessionAction[]} */ (Object.keys(handlers));
  for (const action of actions) session.setActionHandler(action, handlers[action] ?? null);
  const show = () => {
    const view = account.device.playback;
    if (view === null) {
      session.metadata = null;
      session.playbackState = "none";
      return;
    }
    const { title, artist, albumTitle = "" } = describe(view.item);
    if (session.metadata?.title !== title || session.metadata?.artist !== artist) {
      session.metadata = new MediaMetadata({ title, artist, album: albumTitle });
    }
    session.playbackState = view.playing ? "playing" : "paused";
    const duration = (view.duration_ms ?? describe(view.item).duration_ms ?? 0) / 1_000;
    if (duration > 0) session.setPositionState({ duration, playbackRate: view.speed_permille / 1_000, position: Math.min(view.position_ms / 1_000, duration) });
  };
  const unwatch = account.watch(PLAYBACK, show);
  show();
  return () => {
    unwatch();
    for (const action of actions) session.setActionHandler(action, null);
    session.metadata = null;
  };
}
