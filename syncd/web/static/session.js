// The client's side of the wire without a wire: what was said, what that means, what to say. Source: design.md section 6.
//
// A session outlives connections. It holds the confirmed cells of each stream with their cursor, and the page's own events
// until they are answered. The page emits only while it is live, so an event's time is never stale when it is sent, and a
// repeat after a broken connection keeps it.

import { fold } from "./cells.js";
import { lower } from "./lower.js";
import { HybridClock, STAMP_LENGTH, stampTime } from "./stamp.js";

/** Writers, nonces and seqs belong to one local store; ours is this page's memory, handed on when the page is reloaded. */
function newNonce() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One subscribed stream. `building`: the cells of a snapshot that has not arrived whole; it replaces the others at its end. */
const newStream = () => ({ cells: new Map(), cursor: undefined, building: null });

export class Session {
  /** @param {object} [saved] what `save` gave. */
  constructor(saved = {}) {
    this.nonce = saved.nonce ?? newNonce();
    this.writer = saved.writer ?? null; // Names our pending events; null before the first welcome.
    this.wantsFreshWriter = saved.wantsFreshWriter ?? this.writer === null;
    this.seq = saved.seq ?? 0; // The highest ever minted on the account's stream, the only one this page writes to.
    this.pending = saved.pending ?? []; // `{seq, t, kind, data, valid_ms?}`, ascending by seq
    this.clock = new HybridClock(saved.last ?? 0);
    this.account = null;
    this.device = null;
    this.streams = new Map();
    this.refused = new Set(); // Streams that this connection may not follow; the next one asks again.
    this.presence = new Map(); // device -> since when it is online, server ms
  }

  /** What a reload of the page must keep: the store's identity and what is not answered yet. */
  save() {
    const { nonce, writer, wantsFreshWriter, seq, pending, clock } = this;
    return { nonce, writer, wantsFreshWriter, seq, pending, last: clock.last };
  }

  get ownStream() {
    return `a:${this.account}`;
  }

  /** The confirmed cells of the account joined with those of our own pending events: what the page shows. */
  shownCells() {
    const confirmed = this.streams.get(this.ownStream)?.cells ?? new Map();
    if (this.pending.length === 0) return confirmed;
    const shown = new Map(confirmed);
    for (const event of this.pending) fold(shown, lower(event, this.writer));
    return shown;
  }

  // --- to the gateway ---

  hello(token, nowMs) {
    const own = { stream: "a:me", last_seq: this.wantsFreshWriter ? 0 : this.seq };
    const held = new Map(this.streams);
    const claim = (stream, { cursor }) => (cursor === undefined ? { ...stream } : { ...stream, cursor });
    const streams = [claim(own, held.get(this.ownStream) ?? newStream())];
    held.delete(this.ownStream);
    for (const [name, stream] of held) streams.push(claim({ stream: name }, stream));
    const hello = { type: "hello", token, nonce: this.nonce, client: "syncd-page/1", now_ms: nowMs, streams };
    return this.wantsFreshWriter ? hello : { ...hello, writer: this.writer };
  }

  /** Follow exactly these playlists' streams besides the account's own; returns what to say. */
  follow(streams) {
    const wanted = new Set([this.ownStream, ...streams.filter((stream) => !this.refused.has(stream))]);
    const gone = [...this.streams.keys()].filter((stream) => !wanted.has(stream));
    const fresh = [...wanted].filter((stream) => !this.streams.has(stream));
    for (const stream of gone) this.streams.delete(stream);
    for (const stream of fresh) this.streams.set(stream, newStream());
    return [
      ...gone.map((stream) => ({ type: "unsubscribe", stream })),
      ...fresh.map((stream) => ({ type: "subscribe", stream })),
    ];
  }

  /** Mints an event, to be shown at once and sent at once. Returns the emit. */
  emit(control, nowMs) {
    this.seq += 1;
    const event = { seq: this.seq, t: this.clock.tick(nowMs), ...control };
    this.pending.push(event);
    return this.#emitOf([event]);
  }

  /** An emit of everything that is not answered, from a seq on; null when nothing is. */
  resend(fromSeq = 0) {
    const events = this.pending.filter(({ seq }) => seq >= fromSeq);
    return events.length === 0 ? null : this.#emitOf(events);
  }

  #emitOf(events) {
    return { type: "emit", events: events.map((event) => ({ stream: "a:me", ...event })) };
  }

  // --- from the gateway ---

  /**
   * Takes in one message. Returns what happened, for the page: `{what, ...}` each, with `what` one of
   *   live       the welcome came
   *   cells      cells of `stream` changed; with `by` and `cells` when one event stands behind it
   *   own        our `event` is durable
   *   presence   `device` came online or went, since `sinceMs`
   *   refused    our `event` was refused, `reason`, `message`
   *   again      say hello again; `withoutWriter` when the server expects a seq that we do not hold
   *   later      the gateway cannot take events now; send them again in a moment
   *   send       `message` is to be sent
   *   told       the gateway has something to say: `message`
   *   drain      the gateway is about to go; come back after `afterMs`
   */
  receive(message) {
    return Object.hasOwn(HANDLERS, message.type) ? HANDLERS[message.type](this, message) : [];
  }

  /** The connection is gone: half a snapshot is worth nothing, and who is online is unknown. */
  disconnected() {
    for (const stream of this.streams.values()) stream.building = null;
    this.presence.clear();
    this.refused.clear();
  }

  /** The log does not hold our position any more: the next hello asks for snapshots. What we show stays until they come. */
  dropCursors() {
    for (const stream of this.streams.values()) stream.cursor = undefined;
  }

  /** The next hello asks for a fresh writer, under which pending events are counted anew. */
  dropWriter() {
    this.dropCursors();
    this.wantsFreshWriter = true;
  }

  /** Takes the welcome's writer; if it is another one, numbers pending events from 1 and rewrites what names them. */
  adopt(writer) {
    const old = this.writer;
    this.writer = writer;
    this.wantsFreshWriter = false;
    if (old === writer) return;
    const fresh = new Map(this.pending.map(({ seq }, index) => [`${old}.${seq}`, `${writer}.${index + 1}`]));
    const rename = (text) => {
      const [w, seq, ...k] = text.split(".");
      const event = fresh.get(`${w}.${seq}`);
      return event === undefined ? text : [event, ...k].join(".");
    };
    this.pending = this.pending.map((event, index) => ({ ...event, seq: index + 1, data: renamed(event.data, rename) }));
    this.seq = this.pending.length;
  }

  take(seq) {
    const index = this.pending.findIndex((event) => event.seq === seq);
    return index < 0 ? null : this.pending.splice(index, 1)[0];
  }

  learnTimes(cells) {
    for (const [, rank] of cells) {
      if (rank.length === STAMP_LENGTH) this.clock.receive(stampTime(rank));
    }
  }
}

function renamed(value, rename) {
  if (typeof value === "string") return rename(value);
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, rename));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renamed(inner, rename)]));
}

const HANDLERS = {
  welcome(session, { writer, account, device, now_ms: nowMs, streams }) {
    session.account = account;
    session.device = device;
    session.clock.receiveMs(nowMs);
    const held = session.streams;
    session.streams = new Map(streams.map(({ stream }) => [stream, held.get(stream) ?? newStream()]));
    session.adopt(writer);
    const again = session.resend();
    return [{ what: "live" }, ...(again === null ? [] : [{ what: "send", message: again }])];
  },

  snapshot(session, { stream: name, cells, part, last, cursor }) {
    const stream = session.streams.get(name);
    if (stream === undefined) return [];
    if (part === 0) stream.building = new Map();
    if (stream.building === null) return []; // The rest of one that broke off; the next hello brings a whole one.
    fold(stream.building, cells);
    session.learnTimes(cells);
    if (!last) return [];
    stream.cells = stream.building;
    stream.building = null;
    stream.cursor = cursor;
    return [{ what: "cells", stream: name }];
  },

  delta(session, { stream: name, cells, cursor, by }) {
    const stream = session.streams.get(name);
    if (stream === undefined) return [];
    if (by !== undefined) session.clock.receive(by.t);
    session.learnTimes(cells);
    if (stream.building !== null) fold(stream.building, cells);
    else if (cursor !== undefined) stream.cursor = cursor;
    const changed = fold(stream.cells, cells);
    return changed.length === 0 && by === undefined ? [] : [{ what: "cells", stream: name, by, cells }];
  },

  ack(session, message) {
    return (message.acks ?? [message]).flatMap(({ stream: name, writer, seq, t, seen, cursor }) => {
      const stream = session.streams.get(name);
      if (stream === undefined || writer !== session.writer) return [];
      session.clock.receive(t);
      const event = session.take(seq);
      // Seen before: its cells come by the cursor, with whatever has happened since.
      if (event !== null && seen !== true) {
        const cells = lower({ ...event, t }, writer);
        fold(stream.cells, cells);
        if (stream.building !== null) fold(stream.building, cells);
      }
      if (cursor !== undefined && stream.building === null) stream.cursor = cursor;
      return event === null ? [] : [{ what: "own", event }];
    });
  },

  nack(session, { seq, reason, expect, message }) {
    if (reason === "unavailable") return [{ what: "later" }];
    if (reason === "gap") {
      const held = session.pending.some((event) => event.seq === expect);
      return held ? [{ what: "send", message: session.resend(expect) }] : [{ what: "again", withoutWriter: true }];
    }
    const event = session.take(seq);
    return event === null ? [] : [{ what: "refused", event, reason, message }];
  },

  unsubscribed(session, { stream, reason }) {
    if (reason === undefined) return [];
    session.refused.add(stream);
    session.streams.delete(stream);
    return [{ what: "cells", stream }];
  },

  presence(session, { device, online, since_ms: sinceMs }) {
    if (online) session.presence.set(device, sinceMs);
    else session.presence.delete(device);
    return [{ what: "presence", device, online, sinceMs }];
  },

  drain: (session, { reconnect_after_ms: afterMs }) => [{ what: "drain", afterMs }],

  error(session, { message, stream }) {
    if (stream === undefined) return [{ what: "told", message }];
    session.refused.add(stream);
    session.streams.delete(stream);
    return [{ what: "cells", stream }];
  },
};
