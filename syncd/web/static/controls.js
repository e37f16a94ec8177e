// From a press to an event. Each control names the play it acts on, so that two devices that press at once press once.
// Source: merge.md sections 3.1 and 3.2.

/** A control for a session that another device renders expires: a press from a tunnel must not stop the room hours later. */
const CONTROL_VALID_MS = 10_000;

const forDevice = (playback, device) => (playback.device === device ? {} : { valid_ms: CONTROL_VALID_MS });

/** An entry of a list as a play names it, with whatever else it says. */
const played = (item, id, from) => ({ ...item, from, id });

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

const advance = (playback, item, device) => ({
  kind: "playback.advanced",
  data: { epoch: playback.epoch, generation: playback.generation + 1, follows: [playback.play], item },
  ...forDevice(playback, device),
});

/** Skips to a queue entry, from the play that this page sees. */
export const skipTo = (playback, entry, device) => advance(playback, played(entry.item, entry.id, "queue"), device);

/** Skips to an item of the context, when the queue is empty. */
export const skipInContext = (playback, item, device) => advance(playback, played(item, item.id, "context"), device);

/** Plays a queue entry on a device; `playback` is what this page sees playing, or null. */
export const start = (playback, entry, onDevice) => ({
  kind: "playback.started",
  data: {
    device: onDevice,
    item: played(entry.item, entry.id, "queue"),
    follows: playback === null ? [] : [playback.play],
    context: playback?.context ?? null,
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
