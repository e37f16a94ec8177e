// The music that comes with syncd: four short records and a show, written for a synthesizer (synth.js), so that a new
// server has something to play. A real catalog takes this module's place later.
// A track: {id, title, artist, album, duration_ms, tempo, seed}; an episode has `episode: true` and `about`.

/** Of each record: hue of its cover, style of its sound, beats a minute, and title and seconds of every track. */
const RECORDS = [
  {
    id: "harbour-lights", title: "Harbour Lights", artist: "Oona Field", year: 2024, hue: 225, style: "tide",
    tracks: [["First Ferry", 96, 66], ["Slack Water", 112, 58], ["Harbour Lights", 124, 62], ["The Pilot's Daughter", 104, 70], ["Fog Signal", 118, 54]],
  },
  {
    id: "paper-lanterns", title: "Paper Lanterns", artist: "Kites & Company", year: 2023, hue: 38, style: "pluck",
    tracks: [["Folding", 88, 104], ["String and Wind", 97, 112], ["Paper Lanterns", 110, 98], ["Two Roofs Away", 93, 108], ["Let Go", 120, 92]],
  },
  {
    id: "night-bus", title: "Night Bus", artist: "Low Tide Trio", year: 2025, hue: 300, style: "beat",
    tracks: [["Last Stop but One", 101, 78], ["Window Seat", 94, 84], ["Night Bus", 126, 80], ["Neon, Rain", 108, 76], ["Depot", 90, 72]],
  },
  {
    id: "green-room", title: "Green Room", artist: "Marguerite Sol", year: 2022, hue: 155, style: "keys",
    tracks: [["Before the Call", 92, 60], ["Green Room", 115, 68], ["Understudy", 99, 72], ["House Lights", 106, 64], ["Curtain", 84, 56]],
  },
];

/** Sounds of places, long enough to be continued on another device. */
const SHOW = {
  id: "field-notes", title: "Field Notes", artist: "Syncd Radio", hue: 120, style: "place",
  about: "A microphone, a place, ten minutes. Leave on one device, go on listening on another.",
  episodes: [
    ["Rain on a Tin Roof", 600, "A shed in the hills, and weather that takes its time."],
    ["The Lighthouse at Four", 720, "Long waves, a slow light, nobody awake."],
    ["Forest Before Sunrise", 660, "Wind in the crowns. The first birds answer each other."],
    ["Night Train, Window Open", 780, "Rails, a bridge, rails again."],
  ],
};

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

/** @type {(record: any, row: any[], place: number) => any} */
const track = (record, [title, seconds, tempo], place) => ({
  id: `${record.id}.${slug(title)}`,
  title, tempo, place,
  artist: record.artist, album: record.id, albumTitle: record.title, hue: record.hue, style: record.style,
  duration_ms: seconds * 1_000,
});

/** The records, newest first, each with its `tracks`. */
export const ALBUMS = RECORDS.map((record) => ({ ...record, tracks: record.tracks.map((row, place) => track(record, row, place)) }))
  .sort((a, b) => b.year - a.year);

/** The show, with its `tracks`, which are episodes. */
export const SHOWS = [{
  ...SHOW,
  tracks: SHOW.episodes.map(([title, seconds, about], place) => ({ ...track(SHOW, [title, seconds, 60], place), episode: true, about })),
}];

const BY_ID = new Map([...ALBUMS, ...SHOWS].flatMap(({ tracks }) => tracks).map((each) => [each.id, each]));
const COLLECTIONS = new Map([...ALBUMS, ...SHOWS].map((each) => [each.id, each]));

/** A record or a show by its id; undefined when there is none. */
export const collectionOf = (id) => COLLECTIONS.get(id);

/** A bundled track by its id; undefined for others' tracks. */
export const bundled = (id) => BY_ID.get(id);

/** A hue that is always the same for a text: tracks we know nothing else of have a colour, too. */
export function hueOf(text) {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return sum;
}

/**
 * What to show of a track: the bundled one, or what an entry says about it, or its bare id.
 *
 * @param item - `{track, title?, artist?, duration_ms?}`, as lists and plays hold it.
 */
export function describe(item) {
  const known = BY_ID.get(item.track);
  if (known !== undefined) return known;
  const file = /^file:(.+)~[0-9a-f]+$/.exec(item.track);
  return {
    id: item.track,
    title: item.title ?? (file ? file[1] : item.track),
    artist: item.artist ?? (file ? "Your own file" : "Unknown artist"),
    duration_ms: item.duration_ms ?? null,
    hue: hueOf(item.artist ?? item.track),
    file: file !== null,
  };
}

/** What an entry of a list says of a track, so that devices without this catalog can show it. */
export const entryOf = ({ id, title, artist, duration_ms }) => ({ track: id, title, artist, ...(duration_ms && { duration_ms }) });
