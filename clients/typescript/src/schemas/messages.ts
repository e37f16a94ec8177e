// Made by tools/generate.mjs from schemas/ of the repository. Do not edit.
import type { Json } from "../model/canonical.js";
import type { Shapes } from "../model/shape.js";

/** One ack in its own fields, or several in `acks`. In Python, read it through `items()`. */
export type Ack = {
  readonly type: "ack";
  readonly stream?: string | null;
  readonly writer?: string | null;
  readonly seq?: number | null;
  /** the time the event was admitted with; the client adopts it and moves the event into its confirmed cells. */
  readonly t?: number | null;
  /** it had been admitted before: drop the pending event without folding it, its cells come by the cursor. */
  readonly seen?: boolean;
  /** only when every earlier delta of the stream was sent. */
  readonly cursor?: string | null;
  /** several acks, in order; then the fields beside it are absent. */
  readonly acks?: readonly AckItem[] | null;
};

/** One admitted event is durable. */
export type AckItem = {
  readonly stream: string;
  readonly writer: string;
  readonly seq: number;
  /** the time it was admitted with; the client adopts it. */
  readonly t: number;
  /** it had been admitted before; its cells come by the cursor. */
  readonly seen?: boolean;
  /** only when every earlier delta of the stream was sent. */
  readonly cursor?: string | null;
};

/** Who did it. */
export type By = {
  readonly account: string;
  readonly device: string;
  readonly kind: string;
  /** the event's id, `writer.seq`. */
  readonly event: string;
  /** packed time as admitted; the receiver's clock learns it. */
  readonly t: number;
};

/** Changed cells: join them into the confirmed ones, then keep the cursor. */
export type Delta = {
  readonly type: "delta";
  readonly stream: string;
  /** `[key, rank, value]` each; none when only the cursor moves. */
  readonly cells: readonly (readonly [string, string, Json])[];
  /** everything before it has been sent. */
  readonly cursor?: string | null;
  /** only where one original event stands behind the cells. */
  readonly by?: By | null;
};

/** Answers `digest`: compare it with your own digest at the same cursor. */
export type Digest = {
  readonly type: "digest";
  readonly stream: string;
  /** where the cells that were summed end. */
  readonly cursor: string;
  /** 16 hex digits. */
  readonly digest: string;
  /** how many there are. */
  readonly cells: number;
};

/** Asks what the server holds of a stream, to prove that both agree; answered by `digest`. */
export type DigestRequest = {
  readonly type: "digest";
  readonly stream: string;
};

/** The gateway will close soon. */
export type Drain = {
  readonly type: "drain";
  /** when to come back, spread over the connections. */
  readonly reconnect_after_ms: number;
  /** where to come back to; absent means here. */
  readonly url?: string | null;
};

/** Events to admit. Each is answered by its own ack or nack; one bad event does not stop the others. */
export type Emit = {
  readonly type: "emit";
  /** in the order they were made, at most `limits.emit_events` of the welcome. */
  readonly events: readonly EmittedEvent[];
};

/** One event of an emit. `data` stays raw until its kind is looked up. */
export type EmittedEvent = {
  /** where it goes; the writer needs authority there, not a subscription. */
  readonly stream: string;
  /** counted per (writer, stream) from 1, without holes. */
  readonly seq: number;
  /** packed time, ms << 11 | counter. */
  readonly t: number;
  /** one of the kinds in events.json. */
  readonly kind: string;
  /** what its kind says. */
  readonly data: Json;
  /** a control older than this is refused as `expired`. */
  readonly valid_ms?: number | null;
  /** neighbours for a later re-placement; kept, not read. */
  readonly hints?: Json;
};

/** A message was refused as a whole. The connection stays, unless a close follows. */
export type ErrorMessage = {
  readonly type: "error";
  /** a durable word: of an error, or of the close that follows. */
  readonly code: string;
  /** a sentence for people; cut and escaped by `public_text`. */
  readonly message: string;
  /** which one it is about, where it is about one. */
  readonly stream?: string | null;
};

/** First message of a connection, within 5 s; answered by `welcome`. */
export type Hello = {
  readonly type: "hello";
  /** the device's token. */
  readonly token: string;
  /** 16 random characters made with the local store and kept with it. */
  readonly nonce: string;
  /** name and version of the program, for logs. */
  readonly client: string;
  /** the client's clock, ms since the Unix epoch. */
  readonly now_ms: number;
  /** what to subscribe to from the start, answered in this order. */
  readonly streams: readonly StreamClaim[];
  /** the writer of this local store, absent when it has none yet. */
  readonly writer?: string | null;
  /**
   * the writer that a store which has none yet has drawn, and named its first events with. Taken if it is free, so
   * that a copy of the store that is restored later does not send those events again under other names.
   */
  readonly proposal?: string | null;
  /** "now" asks for `view` messages instead of cells. */
  readonly view?: "cells" | "now";
};

/** Bounds of this server. */
export type Limits = {
  /** one websocket message; beyond it the socket closes with 1009. */
  readonly frame_bytes: number;
  /** one event's data as canonical JSON; beyond it `nack limit`. */
  readonly event_bytes: number;
  /** events in one emit; beyond it `error limit`. */
  readonly emit_events: number;
  /** streams of one connection; beyond it `error limit`. */
  readonly subscriptions: number;
};

/**
 * An event was refused. The client drops it, but goes on with `expect` after `gap`, and sends again after
 * `unavailable`.
 */
export type Nack = {
  readonly type: "nack";
  readonly stream: string;
  readonly seq: number;
  readonly reason: "expired" | "forbidden" | "gap" | "invalid" | "limit" | "orphan" | "revoked" | "unavailable";
  /** a sentence for people; cut and escaped by `public_text`. */
  readonly message: string;
  /** with `gap`, the seq to go on with. */
  readonly expect?: number | null;
};

/** Measures the clock's offset; answered by `pong`. */
export type Ping = {
  readonly type: "ping";
  /** the client's clock, ms since the Unix epoch; comes back as it is. */
  readonly sent_ms: number;
};

/** What plays where. */
export type PlaybackNow = {
  /** the renderer's. */
  readonly device: string;
  /** id of the play, to seek in. */
  readonly play: string;
  /** id of its epoch, to pause and resume. */
  readonly epoch: string;
  /** of the play within its epoch; next names it plus 1. */
  readonly generation: number;
  readonly item: ViewItem;
  /** as of `as_of_ms`. */
  readonly position_ms: number;
  /** server's clock, ms since the Unix epoch. */
  readonly as_of_ms: number;
  readonly playing: boolean;
  /** 1000 is normal speed. */
  readonly speed_permille: number;
};

/** Answers `ping`. */
export type Pong = {
  readonly type: "pong";
  /** the ping's. */
  readonly sent_ms: number;
  /** the server's clock, ms since the Unix epoch. */
  readonly now_ms: number;
};

/** A device of the stream came or went. Never in the log. */
export type Presence = {
  readonly type: "presence";
  readonly stream: string;
  readonly device: string;
  readonly online: boolean;
  /** server's clock, ms since the Unix epoch. */
  readonly since_ms: number;
};

/** One unconsumed entry of the queue. */
export type QueueEntry = {
  readonly id: string;
  readonly track: string;
};

/**
 * One part of a whole stream. It is built aside, with deltas that arrive meanwhile joined into it, and replaces the
 * confirmed cells when the last part is there; pending events stay.
 */
export type Snapshot = {
  readonly type: "snapshot";
  readonly stream: string;
  /** `[key, rank, value]` each. */
  readonly cells: readonly (readonly [string, string, Json])[];
  /** counted from 0. */
  readonly part: number;
  /** said aloud although false could be left out: a reader should not have to know the default. */
  readonly last: boolean;
  /** comes with the last part. */
  readonly cursor?: string | null;
};

/** What the client holds of one stream. */
export type StreamClaim = {
  /** `a:me` (the caller's own account), `a:<account>` or `p:<playlist>`. */
  readonly stream: string;
  /** where its confirmed cells end; absent when it holds none. */
  readonly cursor?: string | null;
  /** the highest seq that its local store ever minted on the stream; absent means 0. */
  readonly last_seq?: number | null;
};

/** How one stream begins. */
export type StreamWelcome = {
  /** by its full name, also where `a:me` was asked for. */
  readonly stream: string;
  /** the seq that the server expects next of this writer on this stream. */
  readonly next_seq: number;
  /** what follows: the original deltas, changed cells, or a whole snapshot. */
  readonly resume: "cells" | "snapshot" | "tail";
};

/** Asks for one more stream; answered by `subscribed`, then as after welcome. */
export type Subscribe = {
  readonly type: "subscribe";
  /** `a:me` (the caller's own account), `a:<account>` or `p:<playlist>`. */
  readonly stream: string;
  /** where the client's confirmed cells end; absent when it holds none. */
  readonly cursor?: string | null;
  /** the highest seq that its local store ever minted on the stream; absent means 0. */
  readonly last_seq?: number | null;
};

/** Answers `subscribe`; what the stream holds follows. */
export type Subscribed = {
  readonly type: "subscribed";
  /** by its full name, also where `a:me` was asked for. */
  readonly stream: string;
  /** the seq that the server expects next of this writer on this stream. */
  readonly next_seq: number;
  /** what follows: the original deltas, changed cells, or a whole snapshot. */
  readonly resume: "cells" | "snapshot" | "tail";
};

/** Ends a subscription; answered by `unsubscribed`. Emitting to the stream goes on. */
export type Unsubscribe = {
  readonly type: "unsubscribe";
  readonly stream: string;
};

/** Answers `unsubscribe`, or ends a subscription that the account may not have any more. */
export type Unsubscribed = {
  readonly type: "unsubscribed";
  readonly stream: string;
  /** why the server ended it; absent when the client asked. */
  readonly reason?: string | null;
};

/** For small devices (`view: "now"`), after welcome and after every change. */
export type View = {
  readonly type: "view";
  readonly stream: string;
  /** null when nothing was ever played. */
  readonly playback: PlaybackNow | null;
  /** the next 20 unconsumed entries. */
  readonly queue: readonly QueueEntry[];
  readonly cursor: string;
};

/** What plays: `from` is "context" or "queue". */
export type ViewItem = {
  readonly id: string;
  readonly track: string;
  readonly from: string;
};

/** Answers `hello`; what the streams hold follows. */
export type Welcome = {
  readonly type: "welcome";
  /**
   * whom the events of all streams of this connection come from; another one than in hello means a fresh writer:
   * renumber what is unacknowledged, and every reference to it.
   */
  readonly writer: string;
  /** whose token it was. */
  readonly account: string;
  /** which device's. */
  readonly device: string;
  /** the server's clock, ms since the Unix epoch. */
  readonly now_ms: number;
  /** in hello's order. */
  readonly streams: readonly StreamWelcome[];
  readonly limits: Limits;
};

/** What a client may say. */
export type ClientMessage =
  | Hello
  | Subscribe
  | Unsubscribe
  | Emit
  | Ping
  | DigestRequest;

/** What a server may say. */
export type ServerMessage =
  | Welcome
  | Subscribed
  | Unsubscribed
  | Snapshot
  | Delta
  | Ack
  | Nack
  | Pong
  | Digest
  | Presence
  | Drain
  | ErrorMessage
  | View;

/** Type of a server's message -> its shape, by name in `MESSAGE_SHAPES`. */
export const MESSAGE_SHAPE_OF: Readonly<Record<ServerMessage["type"], string>> = {
  "welcome": "Welcome",
  "subscribed": "Subscribed",
  "unsubscribed": "Unsubscribed",
  "snapshot": "Snapshot",
  "delta": "Delta",
  "ack": "Ack",
  "nack": "Nack",
  "pong": "Pong",
  "digest": "Digest",
  "presence": "Presence",
  "drain": "Drain",
  "error": "Error",
  "view": "View",
};

/** What a server's messages must look like. */
export const MESSAGE_SHAPES: Shapes = {
  "Ack": {
    "type": "object",
    "properties": {
      "type": {"const":"ack"},
      "stream": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "writer": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "seq": {"anyOf":[{"type":"integer","minimum":1,"maximum":9007199254740991},{"type":"null"}]},
      "t": {"anyOf":[{"type":"integer","minimum":0,"maximum":9007199254740991},{"type":"null"}]},
      "seen": {"type":"boolean"},
      "cursor": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "acks": {"anyOf":[{"type":"array","items":{"$ref":"AckItem"}},{"type":"null"}]},
    },
    "required": ["type"],
  },
  "AckItem": {
    "type": "object",
    "properties": {
      "stream": {"type":"string"},
      "writer": {"type":"string"},
      "seq": {"type":"integer","minimum":1,"maximum":9007199254740991},
      "t": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "seen": {"type":"boolean"},
      "cursor": {"anyOf":[{"type":"string"},{"type":"null"}]},
    },
    "required": ["stream","writer","seq","t"],
  },
  "By": {
    "type": "object",
    "properties": {
      "account": {"type":"string"},
      "device": {"type":"string"},
      "kind": {"type":"string"},
      "event": {"type":"string"},
      "t": {"type":"integer","minimum":0,"maximum":9007199254740991},
    },
    "required": ["account","device","kind","event","t"],
  },
  "Delta": {
    "type": "object",
    "properties": {
      "type": {"const":"delta"},
      "stream": {"type":"string"},
      "cells": {
        "type": "array",
        "items": {
          "type": "array",
          "minItems": 3,
          "maxItems": 3,
          "prefixItems": [{"type":"string"},{"type":"string"},true],
          "items": false,
        },
      },
      "cursor": {"anyOf":[{"type":"string"},{"type":"null"}]},
      "by": {"anyOf":[{"$ref":"By"},{"type":"null"}]},
    },
    "required": ["type","stream","cells"],
  },
  "Digest": {
    "type": "object",
    "properties": {
      "type": {"const":"digest"},
      "stream": {"type":"string"},
      "cursor": {"type":"string"},
      "digest": {"type":"string"},
      "cells": {"type":"integer","minimum":0,"maximum":9007199254740991},
    },
    "required": ["type","stream","cursor","digest","cells"],
  },
  "Drain": {
    "type": "object",
    "properties": {
      "type": {"const":"drain"},
      "reconnect_after_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "url": {"anyOf":[{"type":"string"},{"type":"null"}]},
    },
    "required": ["type","reconnect_after_ms"],
  },
  "Error": {
    "type": "object",
    "properties": {
      "type": {"const":"error"},
      "code": {"type":"string"},
      "message": {"type":"string"},
      "stream": {"anyOf":[{"type":"string"},{"type":"null"}]},
    },
    "required": ["type","code","message"],
  },
  "Limits": {
    "type": "object",
    "properties": {
      "frame_bytes": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "event_bytes": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "emit_events": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "subscriptions": {"type":"integer","minimum":0,"maximum":9007199254740991},
    },
    "required": ["frame_bytes","event_bytes","emit_events","subscriptions"],
  },
  "Nack": {
    "type": "object",
    "properties": {
      "type": {"const":"nack"},
      "stream": {"type":"string"},
      "seq": {"type":"integer","minimum":1,"maximum":9007199254740991},
      "reason": {"enum":["expired","forbidden","gap","invalid","limit","orphan","revoked","unavailable"]},
      "message": {"type":"string"},
      "expect": {"anyOf":[{"type":"integer","minimum":1,"maximum":9007199254740991},{"type":"null"}]},
    },
    "required": ["type","stream","seq","reason","message"],
  },
  "PlaybackNow": {
    "type": "object",
    "properties": {
      "device": {"type":"string"},
      "play": {"type":"string"},
      "epoch": {"type":"string"},
      "generation": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "item": {"$ref":"ViewItem"},
      "position_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "as_of_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "playing": {"type":"boolean"},
      "speed_permille": {"type":"integer","minimum":0,"maximum":9007199254740991},
    },
    "required": [
      "device",
      "play",
      "epoch",
      "generation",
      "item",
      "position_ms",
      "as_of_ms",
      "playing",
      "speed_permille",
    ],
  },
  "Pong": {
    "type": "object",
    "properties": {
      "type": {"const":"pong"},
      "sent_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "now_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
    },
    "required": ["type","sent_ms","now_ms"],
  },
  "Presence": {
    "type": "object",
    "properties": {
      "type": {"const":"presence"},
      "stream": {"type":"string"},
      "device": {"type":"string"},
      "online": {"type":"boolean"},
      "since_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
    },
    "required": ["type","stream","device","online","since_ms"],
  },
  "QueueEntry": {
    "type": "object",
    "properties": {"id":{"type":"string"},"track":{"type":"string"}},
    "required": ["id","track"],
  },
  "Snapshot": {
    "type": "object",
    "properties": {
      "type": {"const":"snapshot"},
      "stream": {"type":"string"},
      "cells": {
        "type": "array",
        "items": {
          "type": "array",
          "minItems": 3,
          "maxItems": 3,
          "prefixItems": [{"type":"string"},{"type":"string"},true],
          "items": false,
        },
      },
      "part": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "last": {"type":"boolean"},
      "cursor": {"anyOf":[{"type":"string"},{"type":"null"}]},
    },
    "required": ["type","stream","cells","part","last"],
  },
  "StreamWelcome": {
    "type": "object",
    "properties": {
      "stream": {"type":"string"},
      "next_seq": {"type":"integer","minimum":1,"maximum":9007199254740991},
      "resume": {"enum":["cells","snapshot","tail"]},
    },
    "required": ["stream","next_seq","resume"],
  },
  "Subscribed": {
    "type": "object",
    "properties": {
      "type": {"const":"subscribed"},
      "stream": {"type":"string"},
      "next_seq": {"type":"integer","minimum":1,"maximum":9007199254740991},
      "resume": {"enum":["cells","snapshot","tail"]},
    },
    "required": ["type","stream","next_seq","resume"],
  },
  "Unsubscribed": {
    "type": "object",
    "properties": {
      "type": {"const":"unsubscribed"},
      "stream": {"type":"string"},
      "reason": {"anyOf":[{"type":"string"},{"type":"null"}]},
    },
    "required": ["type","stream"],
  },
  "View": {
    "type": "object",
    "properties": {
      "type": {"const":"view"},
      "stream": {"type":"string"},
      "playback": {"anyOf":[{"$ref":"PlaybackNow"},{"type":"null"}]},
      "queue": {"type":"array","items":{"$ref":"QueueEntry"}},
      "cursor": {"type":"string"},
    },
    "required": ["type","stream","playback","queue","cursor"],
  },
  "ViewItem": {
    "type": "object",
    "properties": {"id":{"type":"string"},"track":{"type":"string"},"from":{"type":"string"}},
    "required": ["id","track","from"],
  },
  "Welcome": {
    "type": "object",
    "properties": {
      "type": {"const":"welcome"},
      "writer": {"type":"string"},
      "account": {"type":"string"},
      "device": {"type":"string"},
      "now_ms": {"type":"integer","minimum":0,"maximum":9007199254740991},
      "streams": {"type":"array","items":{"$ref":"StreamWelcome"}},
      "limits": {"$ref":"Limits"},
    },
    "required": ["type","writer","account","device","now_ms","streams","limits"],
  },
};
