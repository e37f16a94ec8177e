// From a press to an event. Each control names the play it acts on, so that two devices that press at once press once.
// Source: merge.md sections 3.1 and 3.2.

/** A control for a session that another device renders expires: a press from a tunnel must not stop the room hours later. */
const CONTROL_VALID_MS = 10_000;

const forDevice = (playback, device) => (playback.device === device ? {} : { valid_ms: CONTROL_VALID_MS });

const playable = ({ id, item }) => ({
  from: "queue",
  id,
  track: item.track,
  ...(Number.isInteger(item.duration_ms) ? { duration_ms: item.duration_ms } : {}),
});

export const pause = (playback, device) => ({
  kind: "playback.paused",
  data: { epoch: playback.epoch },
  ...forDevice(playback, device),
});

export const resume = (playback, device) => ({
  kind: "playback.resumed",
  data: { epoch: playback.epoch, play: playback.play, position_ms: playback.positionMs },
  ...forDevice(playback, device),
});

/** Skips to a queue entry, from the play that this page sees. */
export const next = (playback, entry, device) => ({
  kind: "playback.advanced",
  data: {
    epoch: playback.epoch,
    generation: playback.generation + 1,
    follows: [playback.play],
    item: playable(entry),
  },
  ...forDevice(playback, device),
});

/** Plays a queue entry on a device; `playback` is what this page sees playing, or null. */
export const start = (playback, entry, onDevice) => ({
  kind: "playback.started",
  data: {
    device: onDevice,
    item: playable(entry),
    follows: playback === null ? [] : [playback.play],
    position_ms: 0,
    playing: true,
    speed_permille: playback?.speedPermille ?? 1000,
  },
});

/** Adds a track to the end of the queue, whose order `readList` gave. */
export const add = (order, track) => ({
  kind: "list.inserted",
  data: { list: "queue", ...order.placeAtEnd(), items: [{ track }] },
});

export const remove = (entry) => ({ kind: "list.removed", data: { list: "queue", ids: [entry.id] } });
