// What happened, in words: one sentence for each delta that tells whose event it was.

const count = (n, one, many = `${one}s`) => (n === 1 ? `a ${one}` : `${n} ${many}`);
const LISTS = { queue: "the queue", items: "a playlist", sidebar: "the sidebar" };

/** The list that some cells belong to, and how many of a part of it they are. */
function inList(cells, part) {
  const keys = cells.map(([key]) => key.split("/")).filter(([, p]) => p === part);
  return [keys.length, LISTS[keys[0]?.[0]] ?? "a list"];
}

const valueOf = (cells, prefix) => cells.find(([key]) => key.startsWith(prefix))?.[2];
const titleOf = (item) => item?.title ?? item?.track ?? "something";

const SENTENCES = {
  "list.inserted"(cells) {
    const [, list] = inList(cells, "run");
    return `added ${count(cells[0]?.[2].items.length ?? 0, "track")} to ${list}`;
  },
  "list.moved"(cells) {
    const [n, list] = inList(cells, "at");
    return `moved ${count(n, "track")} in ${list}`;
  },
  "list.moved_back": (cells) => `moved ${count(1, "track")} back in ${inList(cells, "at")[1]}`,
  "list.removed"(cells) {
    const [n, list] = inList(cells, "on");
    return `removed ${count(n, "track")} from ${list}`;
  },
  "list.restored"(cells) {
    const [n, list] = inList(cells, "on");
    return `brought ${count(n, "track")} back to ${list}`;
  },
  "list.cleared": (cells) => `cleared ${inList(cells, "cleared")[1]}`,
  "playback.started"(cells, nameOf) {
    const play = valueOf(cells, "play/");
    return `started ${titleOf(play?.item)} on ${nameOf(play?.device)}`;
  },
  "playback.advanced"(cells) {
    const play = valueOf(cells, "play/");
    return play?.automatic ? `went on to ${titleOf(play.item)}` : `skipped to ${titleOf(play?.item)}`;
  },
  "playback.paused": () => "paused",
  "playback.resumed": () => "pressed play",
  "playback.seeked": () => "sought",
  "playback.speed_changed": (cells) => `set the speed to ${valueOf(cells, "play_speed/") / 1000}`,
  "playback.mode_changed": () => "changed shuffle, repeat or the sleep timer",
  "device.volume_changed": (cells) => `set a volume to ${Math.round(cells[0]?.[2] / 10)} %`,
  "library.changed"(cells) {
    const kept = cells[0]?.[2] !== false;
    return `${kept ? "put" : "took"} ${count(cells.length, "thing")} ${kept ? "into" : "out of"} the library`;
  },
  "settings.changed": (cells) => `changed ${count(cells.length, "setting")}`,
  "progress.listened": () => "got on with an episode",
  "progress.marked": (cells) => `marked an episode as ${valueOf(cells, "progress/")?.finished ? "played" : "unplayed"}`,
  "history.played": () => "played a track",
  "history.removed": () => "took a play out of the history",
  "history.cleared": () => "cleared the history",
  "device.described": () => "described a device",
  "device.revoked": () => "revoked a device",
  "playlist.described": () => "edited a playlist",
  "playlist.member_changed": () => "changed who may use a playlist",
};

/** Renderers report where they are every minute or so; that is no news. */
export const isNews = (kind) => kind !== "playback.reported";

/**
 * What an event did, without its subject: "added 2 tracks to the queue".
 *
 * @param {string} kind of the event; one that this page does not know is named as it is.
 * @param {[string, string, any][]} cells that it wrote.
 * @param {function(string): string} nameOf the name of a device.
 */
export function sentence(kind, cells, nameOf) {
  return Object.hasOwn(SENTENCES, kind) ? SENTENCES[kind](cells, nameOf) : `did ${kind}`;
}
