// Made by tools/generate.mjs from schemas/ of the repository. Do not edit.
import type { Json, JsonObject } from "../model/canonical.js";
import type { Shapes } from "../model/shape.js";

/** What a device says about itself: what is given changes, the rest stays. */
export type DeviceDescribed = {
  readonly device: string;
  readonly name?: string | null;
  readonly kind?: string | null;
  readonly capabilities?: Json;
};

/** Written by the server only. */
export type DeviceRevoked = {
  readonly device: string;
};

/** A device's volume, by whoever turns it. */
export type DeviceVolumeChanged = {
  readonly device: string;
  readonly volume_permille: number;
};

/** Plays reported at or before that moment are hidden, also those that arrive later. */
export type HistoryCleared = {
  /** server time; counts as at most the event's own. */
  readonly before_ms: number;
};

/** A play that was heard; reported again as it grows. */
export type HistoryPlayed = {
  readonly play: string;
  readonly track: string;
  /** only shown; what orders history is the event's own time. */
  readonly started_ms: number;
  readonly listened_ms: number;
  readonly context?: Json;
  readonly skipped?: boolean;
  readonly reason?: string | null;
};

/** One play is hidden for ever, also if it is reported later. */
export type HistoryRemoved = {
  readonly play: string;
};

/** `value`: true, false, or 0 to 100 in `ratings`. */
export type LibraryChanged = {
  readonly set: string;
  readonly ids: readonly string[];
  readonly value: boolean | number;
};

/** `seen`: per writer, the largest seq of this list's runs that the client has. */
export type ListCleared = {
  readonly list: "items" | "queue" | "sidebar";
  readonly seen: { readonly [key: string]: number };
};

/** Items come into a list, as one block that stays together. */
export type ListInserted = {
  readonly list: "items" | "queue" | "sidebar";
  readonly items: readonly ListItem[];
  /** before (L) or after (R) that slot. */
  readonly side: "L" | "R";
  /** the slot they hang on; null in a list that never had one, with side R. */
  readonly parent?: string | null;
};

/** A list's item: a `track` in queue and items, a `playlist` in sidebar; other fields are kept. */
export type ListItem = {
  readonly track?: string;
  readonly playlist?: string;
} & JsonObject;

/** Items, as one block in this order, get new slots. */
export type ListMoved = {
  readonly list: "items" | "queue" | "sidebar";
  readonly ids: readonly string[];
  /** before (L) or after (R) that slot. */
  readonly side: "L" | "R";
  /** the slot they hang on; null in a list that never had one, with side R. */
  readonly parent?: string | null;
};

/** The undo of a move: the item's exact old slot. */
export type ListMovedBack = {
  readonly list: "items" | "queue" | "sidebar";
  readonly item: string;
  readonly slot: string;
};

/** Items go; they keep their slots, so that they can come back. */
export type ListRemoved = {
  readonly list: "items" | "queue" | "sidebar";
  readonly ids: readonly string[];
};

/** The undo of a removal, and of a clear. */
export type ListRestored = {
  readonly list: "items" | "queue" | "sidebar";
  readonly ids: readonly string[];
};

/** Next, previous, natural end: the next generation of an epoch. */
export type PlaybackAdvanced = {
  readonly epoch: string;
  /** of the play it goes on from, plus 1. */
  readonly generation: number;
  /** the play it goes on from. */
  readonly follows: readonly [string];
  readonly item: PlayedItem;
  /** null stands for 0. */
  readonly position_ms?: number | null;
  /** by itself, at the end; only the renderer says so. */
  readonly automatic?: boolean;
};

/** How playback goes on: what is given changes, the rest stays. */
export type PlaybackModeChanged = {
  readonly shuffle?: Shuffle;
  readonly repeat?: "all" | "off" | "one";
  /** server time at which it stops by itself; null takes the timer off. */
  readonly sleep_at_ms?: number | null;
};

/** Stops the epoch. It says no position, so that an unaware seek survives it. */
export type PlaybackPaused = {
  readonly epoch: string;
};

/** `answers`: the rank of `play_at`, then the larger of the ranks of `play_on` and `play_off`. */
export type PlaybackReported = {
  readonly play: string;
  readonly position_ms: number;
  readonly buffering: boolean;
  readonly answers: readonly [string, string];
};

/** Sets the epoch going again, from where `play` stands. */
export type PlaybackResumed = {
  readonly epoch: string;
  readonly play: string;
  readonly position_ms: number;
};

/** Puts `play` at a position; `playing` says whether it goes on from there. */
export type PlaybackSeeked = {
  readonly play: string;
  readonly position_ms: number;
  readonly playing: boolean;
};

/** Changes the epoch's speed; the position tells how far the old one has brought it. */
export type PlaybackSpeedChanged = {
  readonly epoch: string;
  readonly play: string;
  readonly position_ms: number;
  readonly playing: boolean;
  readonly speed_permille: number;
};

/** Play this, transfer, jump, adopt: opens an epoch. */
export type PlaybackStarted = {
  /** the renderer. */
  readonly device: string;
  readonly item: PlayedItem;
  /** the head its maker saw; two when it adopts a session begun without a connection. */
  readonly follows: readonly string[];
  readonly position_ms: number;
  readonly playing: boolean;
  readonly speed_permille: number;
  /** where "next" goes on when the queue is empty; any JSON. */
  readonly context?: Json;
  /** made without a confirmed connection; only its own device shows it. */
  readonly detached?: boolean;
};

/** What plays: an item of the context, or an entry of the queue; other fields are kept. */
export type PlayedItem = {
  readonly from: "context" | "queue";
  /** of the item in its context, or of the queue entry */
  readonly id: string;
  readonly track: string;
  readonly duration_ms?: number | null;
} & JsonObject;

/** What a playlist says about itself: what is given changes, the rest stays. Deleting can be undone. */
export type PlaylistDescribed = {
  readonly name?: string | null;
  readonly description?: string | null;
  readonly image?: string | null;
  readonly public?: boolean;
  readonly collaborative?: boolean;
  readonly deleted?: boolean;
};

/** A role of null takes the member off. */
export type PlaylistMemberChanged = {
  readonly account: string;
  readonly role: "editor" | "viewer" | null;
};

/** `through`: the first 21 characters of the rank of `furthest` as the client sees it, 21 zeros at first. */
export type ProgressListened = {
  readonly episode: string;
  readonly position_ms: number;
  readonly through: string;
  readonly duration_ms?: number | null;
  readonly finished?: boolean;
};

/** Played, or unplayed: the latter opens a new listen-through at 0. */
export type ProgressMarked = {
  readonly episode: string;
  readonly played: boolean;
};

/** One register for each key: one key per thing chosen, never a blob. Device-scoped keys read `<device>/<key>`. */
export type SettingsChanged = { readonly [key: string]: Json };

/** `seed`: of murmur3_32. */
export type Shuffle = {
  readonly on: boolean;
  readonly seed: number;
};

/** Kind of an event -> its data. */
export type EventsByKind = {
  readonly "list.inserted": ListInserted;
  readonly "list.moved": ListMoved;
  readonly "list.moved_back": ListMovedBack;
  readonly "list.removed": ListRemoved;
  readonly "list.restored": ListRestored;
  readonly "list.cleared": ListCleared;
  readonly "playback.started": PlaybackStarted;
  readonly "playback.advanced": PlaybackAdvanced;
  readonly "playback.paused": PlaybackPaused;
  readonly "playback.resumed": PlaybackResumed;
  readonly "playback.seeked": PlaybackSeeked;
  readonly "playback.speed_changed": PlaybackSpeedChanged;
  readonly "playback.reported": PlaybackReported;
  readonly "playback.mode_changed": PlaybackModeChanged;
  readonly "device.volume_changed": DeviceVolumeChanged;
  readonly "library.changed": LibraryChanged;
  readonly "settings.changed": SettingsChanged;
  readonly "progress.listened": ProgressListened;
  readonly "progress.marked": ProgressMarked;
  readonly "history.played": HistoryPlayed;
  readonly "history.removed": HistoryRemoved;
  readonly "history.cleared": HistoryCleared;
  readonly "device.described": DeviceDescribed;
  readonly "device.revoked": DeviceRevoked;
  readonly "playlist.described": PlaylistDescribed;
  readonly "playlist.member_changed": PlaylistMemberChanged;
};

/** Kind of an event -> the shape of its data, by name in `EVENT_SHAPES`. */
export const EVENT_SHAPE_OF: Readonly<Record<keyof EventsByKind, string>> = {
  "list.inserted": "ListInserted",
  "list.moved": "ListMoved",
  "list.moved_back": "ListMovedBack",
  "list.removed": "ListRemoved",
  "list.restored": "ListRestored",
  "list.cleared": "ListCleared",
  "playback.started": "PlaybackStarted",
  "playback.advanced": "PlaybackAdvanced",
  "playback.paused": "PlaybackPaused",
  "playback.resumed": "PlaybackResumed",
  "playback.seeked": "PlaybackSeeked",
  "playback.speed_changed": "PlaybackSpeedChanged",
  "playback.reported": "PlaybackReported",
  "playback.mode_changed": "PlaybackModeChanged",
  "device.volume_changed": "DeviceVolumeChanged",
  "library.changed": "LibraryChanged",
  "settings.changed": "SettingsChanged",
  "progress.listened": "ProgressListened",
  "progress.marked": "ProgressMarked",
  "history.played": "HistoryPlayed",
  "history.removed": "HistoryRemoved",
  "history.cleared": "HistoryCleared",
  "device.described": "DeviceDescribed",
  "device.revoked": "DeviceRevoked",
  "playlist.described": "PlaylistDescribed",
  "playlist.member_changed": "PlaylistMemberChanged",
};

/** What the data of an event must look like. */
export const EVENT_SHAPES: Shapes = {
  "DeviceDescribed": {
    "type": "object",
    "properties": {
      "device": {"type":"string","maxLength":128,"minLength":1},
      "name": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "kind": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "capabilities": true,
    },
    "required": ["device"],
    "additionalProperties": false,
  },
  "DeviceRevoked": {
    "type": "object",
    "properties": {"device":{"type":"string","maxLength":128,"minLength":1}},
    "required": ["device"],
    "additionalProperties": false,
  },
  "DeviceVolumeChanged": {
    "type": "object",
    "properties": {
      "device": {"type":"string","maxLength":128,"minLength":1},
      "volume_permille": {"type":"integer","minimum":0,"maximum":1000},
    },
    "required": ["device","volume_permille"],
    "additionalProperties": false,
  },
  "HistoryCleared": {
    "type": "object",
    "properties": {"before_ms":{"type":"integer","minimum":0,"maximum":9007199254740991}},
    "required": ["before_ms"],
    "additionalProperties": false,
  },
  "HistoryPlayed": {
    "type": "object",
    "properties": {
      "play": {"type":"string","maxLength":128,"minLength":1},
      "track": {"type":"string","maxLength":128,"minLength":1},
      "started_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "listened_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "context": true,
      "skipped": {"type":"boolean"},
      "reason": {"anyOf":[{"type":"string"},{"type":"null"}]},
    },
    "required": ["play","track","started_ms","listened_ms"],
    "additionalProperties": false,
  },
  "HistoryRemoved": {
    "type": "object",
    "properties": {"play":{"type":"string","maxLength":128,"minLength":1}},
    "required": ["play"],
    "additionalProperties": false,
  },
  "LibraryChanged": {
    "type": "object",
    "properties": {
      "set": {"type":"string","maxLength":128,"minLength":1},
      "ids": {
        "maxItems": 500,
        "type": "array",
        "items": {"type":"string","maxLength":128,"minLength":1},
        "minItems": 1,
      },
      "value": {"anyOf":[{"type":"boolean"},{"type":"integer","minimum":0,"maximum":100}]},
    },
    "required": ["set","ids","value"],
    "additionalProperties": false,
  },
  "ListCleared": {
    "type": "object",
    "properties": {
      "list": {"enum":["items","queue","sidebar"]},
      "seen": {
        "type": "object",
        "propertyNames": {"pattern":"^[0-9a-z]{10}(?!\\n)$"},
        "additionalProperties": {"type":"integer","minimum":0,"maximum":9007199254740991},
      },
    },
    "required": ["list","seen"],
    "additionalProperties": false,
  },
  "ListInserted": {
    "type": "object",
    "properties": {
      "list": {"enum":["items","queue","sidebar"]},
      "items": {"type":"array","items":{"$ref":"ListItem"},"minItems":1,"maxItems":500},
      "side": {"enum":["L","R"]},
      "parent": {
        "anyOf": [
          {
            "type": "string",
            "pattern": "^[0-9a-z]{10}\\.[1-9][0-9]{0,15}\\.(0|[1-9][0-9]{0,5})(?!\\n)$",
          },
          {"type":"null"},
        ],
      },
    },
    "required": ["list","items","side"],
    "additionalProperties": false,
  },
  "ListItem": {
    "type": "object",
    "properties": {
      "track": {"type":"string","minLength":1,"maxLength":128},
      "playlist": {"type":"string","minLength":1,"maxLength":128},
    },
    "additionalProperties": true,
    "anyOf": [{"required":["track"]},{"required":["playlist"]}],
  },
  "ListMoved": {
    "type": "object",
    "properties": {
      "list": {"enum":["items","queue","sidebar"]},
      "ids": {
        "maxItems": 500,
        "type": "array",
        "items": {
          "type": "string",
          "pattern": "^[0-9a-z]{10}\\.[1-9][0-9]{0,15}\\.(0|[1-9][0-9]{0,5})(?!\\n)$",
        },
        "minItems": 1,
      },
      "side": {"enum":["L","R"]},
      "parent": {
        "anyOf": [
          {
            "type": "string",
            "pattern": "^[0-9a-z]{10}\\.[1-9][0-9]{0,15}\\.(0|[1-9][0-9]{0,5})(?!\\n)$",
          },
          {"type":"null"},
        ],
      },
    },
    "required": ["list","ids","side"],
    "additionalProperties": false,
  },
  "ListMovedBack": {
    "type": "object",
    "properties": {
      "list": {"enum":["items","queue","sidebar"]},
      "item": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}\\.(0|[1-9][0-9]{0,5})(?!\\n)$"},
      "slot": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}\\.(0|[1-9][0-9]{0,5})(?!\\n)$"},
    },
    "required": ["list","item","slot"],
    "additionalProperties": false,
  },
  "ListRemoved": {
    "type": "object",
    "properties": {
      "list": {"enum":["items","queue","sidebar"]},
      "ids": {
        "maxItems": 500,
        "type": "array",
        "items": {
          "type": "string",
          "pattern": "^[0-9a-z]{10}\\.[1-9][0-9]{0,15}\\.(0|[1-9][0-9]{0,5})(?!\\n)$",
        },
        "minItems": 1,
      },
    },
    "required": ["list","ids"],
    "additionalProperties": false,
  },
  "ListRestored": {
    "type": "object",
    "properties": {
      "list": {"enum":["items","queue","sidebar"]},
      "ids": {
        "maxItems": 500,
        "type": "array",
        "items": {
          "type": "string",
          "pattern": "^[0-9a-z]{10}\\.[1-9][0-9]{0,15}\\.(0|[1-9][0-9]{0,5})(?!\\n)$",
        },
        "minItems": 1,
      },
    },
    "required": ["list","ids"],
    "additionalProperties": false,
  },
  "PlaybackAdvanced": {
    "type": "object",
    "properties": {
      "epoch": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
      "generation": {"type":"integer","minimum":1,"maximum":9007199254740991},
      "follows": {
        "type": "array",
        "items": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
        "maxItems": 1,
        "minItems": 1,
      },
      "item": {"$ref":"PlayedItem"},
      "position_ms": {"anyOf":[{"type":"integer","minimum":0,"maximum":9007199254740991},{"type":"null"}]},
      "automatic": {"type":"boolean"},
    },
    "required": ["epoch","generation","follows","item"],
    "additionalProperties": false,
  },
  "PlaybackModeChanged": {
    "type": "object",
    "properties": {
      "shuffle": {"$ref":"Shuffle"},
      "repeat": {"enum":["all","off","one"]},
      "sleep_at_ms": {"anyOf":[{"type":"integer","minimum":0,"maximum":9007199254740991},{"type":"null"}]},
    },
    "additionalProperties": false,
  },
  "PlaybackPaused": {
    "type": "object",
    "properties": {"epoch":{"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"}},
    "required": ["epoch"],
    "additionalProperties": false,
  },
  "PlaybackReported": {
    "type": "object",
    "properties": {
      "play": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
      "position_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "buffering": {"type":"boolean"},
      "answers": {
        "type": "array",
        "items": {"type":"string","pattern":"^[0-9a-z]{21}(?!\\n)$"},
        "maxItems": 2,
        "minItems": 2,
      },
    },
    "required": ["play","position_ms","buffering","answers"],
    "additionalProperties": false,
  },
  "PlaybackResumed": {
    "type": "object",
    "properties": {
      "epoch": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
      "play": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
      "position_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
    },
    "required": ["epoch","play","position_ms"],
    "additionalProperties": false,
  },
  "PlaybackSeeked": {
    "type": "object",
    "properties": {
      "play": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
      "position_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "playing": {"type":"boolean"},
    },
    "required": ["play","position_ms","playing"],
    "additionalProperties": false,
  },
  "PlaybackSpeedChanged": {
    "type": "object",
    "properties": {
      "epoch": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
      "play": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
      "position_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "playing": {"type":"boolean"},
      "speed_permille": {"type":"integer","minimum":1,"maximum":100000},
    },
    "required": ["epoch","play","position_ms","playing","speed_permille"],
    "additionalProperties": false,
  },
  "PlaybackStarted": {
    "type": "object",
    "properties": {
      "device": {"type":"string","maxLength":128,"minLength":1},
      "item": {"$ref":"PlayedItem"},
      "follows": {
        "type": "array",
        "items": {"type":"string","pattern":"^[0-9a-z]{10}\\.[1-9][0-9]{0,15}(?!\\n)$"},
        "maxItems": 2,
      },
      "position_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "playing": {"type":"boolean"},
      "speed_permille": {"type":"integer","minimum":1,"maximum":100000},
      "context": true,
      "detached": {"type":"boolean"},
    },
    "required": ["device","item","follows","position_ms","playing","speed_permille"],
    "additionalProperties": false,
  },
  "PlayedItem": {
    "type": "object",
    "properties": {
      "from": {"enum":["context","queue"]},
      "id": {"type":"string","minLength":1,"maxLength":128},
      "track": {"type":"string","minLength":1,"maxLength":128},
      "duration_ms": {"anyOf":[{"type":"integer","minimum":0,"maximum":9007199254740991},{"type":"null"}]},
    },
    "required": ["from","id","track"],
    "additionalProperties": true,
  },
  "PlaylistDescribed": {
    "type": "object",
    "properties": {
      "name": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "description": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "image": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "public": {"type":"boolean"},
      "collaborative": {"type":"boolean"},
      "deleted": {"type":"boolean"},
    },
    "additionalProperties": false,
  },
  "PlaylistMemberChanged": {
    "type": "object",
    "properties": {
      "account": {"type":"string","maxLength":128,"minLength":1},
      "role": {"anyOf":[{"enum":["editor","viewer"]},{"type":"null"}]},
    },
    "required": ["account","role"],
    "additionalProperties": false,
  },
  "ProgressListened": {
    "type": "object",
    "properties": {
      "episode": {"type":"string","maxLength":128,"minLength":1},
      "position_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "through": {"type":"string","pattern":"^[0-9a-z]{21}(?!\\n)$"},
      "duration_ms": {"anyOf":[{"type":"integer","minimum":0,"maximum":9007199254740991},{"type":"null"}]},
      "finished": {"type":"boolean"},
    },
    "required": ["episode","position_ms","through"],
    "additionalProperties": false,
  },
  "ProgressMarked": {
    "type": "object",
    "properties": {"episode":{"type":"string","maxLength":128,"minLength":1},"played":{"type":"boolean"}},
    "required": ["episode","played"],
    "additionalProperties": false,
  },
  "SettingsChanged": {
    "type": "object",
    "propertyNames": {"maxLength":128,"minLength":1},
    "minProperties": 1,
    "additionalProperties": true,
  },
  "Shuffle": {
    "type": "object",
    "properties": {"on":{"type":"boolean"},"seed":{"type":"integer","minimum":0,"maximum":4294967295}},
    "required": ["on","seed"],
    "additionalProperties": false,
  },
};
