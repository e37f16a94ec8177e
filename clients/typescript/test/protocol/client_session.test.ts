// The client's side of a connection: what may come when, how snapshots come together, what is overdue.
// The stories are those of tests/unit/protocol/test_client_session.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UnexpectedMessage, Unreadable } from "../../src/errors.js";
import type { Json } from "../../src/model/canonical.js";
import { ANSWER_TIMEOUT_MS, ClientSession, type Heard } from "../../src/protocol/client_session.js";
import { CODECS, type Codec } from "../../src/protocol/codec.js";
import type { ClientMessage, EmittedEvent, ServerMessage, Welcome } from "../../src/schemas/messages.js";

const PLAYLIST = "p:0123456789abcdef";
const OWN = "a:9f3c";
type Resume = Welcome["streams"][number]["resume"];

/** A session that has said hello for the account and one playlist. */
function greeted(codec: Codec = CODECS.json): ClientSession {
  const session = new ClientSession(codec);
  const streams = [{ stream: "a:me" }, { stream: PLAYLIST }];
  session.hello({ token: "token", nonce: "nonce", client: "test/1", now_ms: 0, streams }, 0);
  return session;
}

function welcome(...streams: readonly (readonly [string, Resume])[]): ServerMessage {
  const limits = { frame_bytes: 1, event_bytes: 1, emit_events: 1, subscriptions: 1 };
  const told = streams.map(([stream, resume]) => ({ stream, next_seq: 1, resume }));
  return { type: "welcome", writer: "w", account: "9f3c", device: "d1", now_ms: 0, streams: told, limits };
}

/** A session that was welcomed. */
function live(resume: Resume = "tail"): ClientSession {
  const session = greeted();
  hear(session, welcome([OWN, resume], [PLAYLIST, resume]));
  return session;
}

/** A message of a server, as its frame. */
function hear(session: ClientSession, message: ServerMessage): Heard | null {
  return session.receive(session.codec.encode(message as unknown as ClientMessage));
}

const event = (seq: number, stream = "a:me"): EmittedEvent => ({ stream, seq, t: 1, kind: "settings.changed", data: {} });
const delta = (cells: readonly (readonly [string, string, Json])[], cursor: string | null = null, stream = OWN): ServerMessage =>
  ({ type: "delta", stream, cells, cursor });
const snapshot = (part: number, last: boolean, keys: string, stream = OWN, rank = "r"): ServerMessage => {
  const cells = [...keys].map((key) => [key, rank, 1] as const);
  return { type: "snapshot", stream, cells, part, last, cursor: last ? "c9" : null };
};
const nack = (seq: number, reason: "gap" | "unavailable" | "expired", expect: number | null = null): ServerMessage =>
  ({ type: "nack", stream: OWN, seq, reason, message: "because", expect });
const pong = (sent_ms: number): ServerMessage => ({ type: "pong", sent_ms, now_ms: 0 });
const digest = (stream: string): ServerMessage => ({ type: "digest", stream, cursor: "c", digest: "d", cells: 1 });
/** What came out: keys with their ranks, in order. */
const cellsOf = (heard: Heard | null): unknown =>
  heard?.type === "replaced" ? Array.from(heard.cells, ([key, { rank }]) => `${key} ${rank}`).sort() : heard;

for (const codec of Object.values(CODECS)) {
  test(`the own stream is called a:me in all that is heard (${codec.format})`, () => {
    const session = greeted(codec);
    const welcomed = hear(session, welcome([OWN, "tail"], [PLAYLIST, "tail"])) as Welcome;
    assert.deepEqual(welcomed.streams.map(({ stream }) => stream), ["a:me", PLAYLIST]);
    const presence: ServerMessage = { type: "presence", stream: OWN, device: "d2", online: true, since_ms: 5 };
    for (const message of [delta([], "c"), nack(1, "expired"), presence, digest(OWN)]) {
      assert.deepEqual(hear(session, message), { ...message, stream: "a:me" });
    }
    const acked = hear(session, { type: "ack", stream: OWN, writer: "w", seq: 1, t: 2 });
    assert.deepEqual(acked, { type: "acked", items: [{ stream: "a:me", writer: "w", seq: 1, t: 2, seen: false, cursor: null }] });
    assert.deepEqual(hear(session, delta([], "c", "a:other")), delta([], "c", "a:other"));
  });
}

test("before the welcome only errors may come", () => {
  const session = greeted();
  const error: ServerMessage = { type: "error", code: "forbidden", message: "no", stream: PLAYLIST };
  assert.deepEqual(hear(session, error), error);
  assert.throws(() => hear(session, delta([])), { name: "UnexpectedMessage", message: "delta before the welcome" });
});

test("a second welcome is refused", () => {
  assert.throws(() => hear(live(), welcome()), { name: "UnexpectedMessage", message: "a second welcome" });
});

test("what is no message is refused, and what a later server says is passed over", () => {
  assert.throws(() => live().receive('{"type":"delta"}'), Unreadable);
  assert.throws(() => live().receive("[]"), Unreadable);
  assert.equal(live().receive('{"type":"no such","stream":7}'), null);
});

test("a stream in tail is live at once, one in cells when a cursor comes, one that is passed over refused", () => {
  assert.deepEqual([...live("tail").streams.values()], ["live", "live"]);
  const session = live("cells");
  hear(session, delta([["k", "r", 1]]));
  assert.deepEqual([...session.streams.values()], ["catching up", "catching up"]);
  hear(session, delta([], "c"));
  assert.deepEqual([...session.streams.values()], ["live", "catching up"]);
  const forbidden = greeted();
  hear(forbidden, welcome([OWN, "tail"]));
  assert.deepEqual([...forbidden.streams.values()], ["live", "refused"]);
});

test("a snapshot comes out whole", () => {
  const session = live("snapshot");
  assert.equal(hear(session, snapshot(0, false, "ab")), null);
  assert.deepEqual([session.isAssembling("a:me"), session.streams.get("a:me")], [true, "catching up"]);
  const whole = hear(session, snapshot(1, true, "c"));
  const cells = new Map([..."abc"].map((key) => [key, { rank: "r", value: 1 }]));
  assert.deepEqual(whole, { type: "replaced", stream: "a:me", cells, cursor: "c9" });
  assert.deepEqual([session.isAssembling("a:me"), session.streams.get("a:me")], [false, "live"]);
});

test("deltas and own events that come meanwhile are joined into it", () => {
  const session = live("snapshot");
  hear(session, snapshot(0, false, "ab", OWN, "r2"));
  assert.equal(hear(session, delta([["a", "r1", 0], ["b", "r3", 2]], "c1")), null);
  session.confirm("a:me", new Map([["d", { rank: "r", value: 4 }]]));
  assert.deepEqual(cellsOf(hear(session, snapshot(1, true, ""))), ["a r2", "b r3", "d r"]);
});

test("an own event without a snapshot under way is nobody's business", () => {
  const session = live();
  session.confirm("a:me", new Map([["d", { rank: "r", value: 4 }]]));
  assert.deepEqual(cellsOf(hear(session, snapshot(0, true, ""))), []);
});

test("part 0 begins a snapshot anew", () => {
  const session = live("snapshot");
  hear(session, snapshot(0, false, "o"));
  hear(session, snapshot(0, false, "n"));
  assert.deepEqual(cellsOf(hear(session, snapshot(1, true, ""))), ["n r"]);
});

for (const parts of [[1], [0, 2], [0, 1, 1]]) {
  test(`a part out of turn is refused: ${parts.join(", ")}`, () => {
    const session = live("snapshot");
    for (const part of parts.slice(0, -1)) hear(session, snapshot(part, false, ""));
    assert.throws(() => hear(session, snapshot(parts.at(-1)!, false, "")), UnexpectedMessage);
  });
}

test("two streams are assembled side by side, and one that is let go is forgotten", () => {
  const session = live("snapshot");
  hear(session, snapshot(0, false, "a"));
  hear(session, snapshot(0, false, "p", PLAYLIST));
  assert.deepEqual(cellsOf(hear(session, snapshot(1, true, "", PLAYLIST))), ["p r"]);
  session.unsubscribe("a:me");
  assert.throws(() => hear(session, snapshot(1, true, "")), UnexpectedMessage);
});

// --- questions ---

test("what is not answered in time is overdue, and the one that waits longest is named", () => {
  const greeting = new ClientSession(CODECS.json);
  greeting.hello({ token: "t", nonce: "n", client: "c", now_ms: 0, streams: [] }, 100);
  assert.equal(greeting.overdue(100 + ANSWER_TIMEOUT_MS), null);
  assert.equal(greeting.overdue(101 + ANSWER_TIMEOUT_MS), "hello");
  const session = live();
  session.emit([event(1)], 5);
  session.ping(77, 4);
  session.digest("a:me", 6);
  assert.equal(session.overdue(99_999), "ping");
  hear(session, pong(77));
  assert.equal(session.overdue(99_999), "event");
  hear(session, { type: "ack", stream: OWN, writer: "w", seq: 1, t: 2 });
  assert.equal(session.overdue(99_999), "digest");
  hear(session, digest(OWN));
  assert.equal(session.overdue(99_999), null);
});

const ANSWERS: readonly (readonly [ServerMessage, "live" | "refused"])[] = [
  [{ type: "subscribed", stream: PLAYLIST, next_seq: 1, resume: "tail" }, "live"],
  [{ type: "error", code: "forbidden", message: "no", stream: PLAYLIST }, "refused"],
  [{ type: "unsubscribed", stream: PLAYLIST, reason: "forbidden" }, "refused"],
];

for (const [answer, expected] of ANSWERS) {
  test(`a subscribe is answered by ${answer.type}`, () => {
    const session = live();
    session.unsubscribe(PLAYLIST);
    session.subscribe({ stream: PLAYLIST }, 1);
    assert.equal(session.streams.get(PLAYLIST), "asked");
    hear(session, answer);
    assert.equal(session.overdue(99_999), null);
    assert.equal(session.streams.get(PLAYLIST), expected);
  });
}

test("a subscription that the server ends is refused; an error about a live stream leaves it live", () => {
  const session = live();
  hear(session, { type: "error", code: "invalid", message: "not subscribed", stream: PLAYLIST });
  assert.equal(session.streams.get(PLAYLIST), "live");
  hear(session, { type: "unsubscribed", stream: PLAYLIST, reason: "forbidden" });
  assert.equal(session.streams.get(PLAYLIST), "refused");
});

test("the answer to an unsubscribe says nothing about the subscribe that followed it", () => {
  const session = live();
  session.unsubscribe(PLAYLIST);
  session.subscribe({ stream: PLAYLIST }, 1);
  hear(session, { type: "unsubscribed", stream: PLAYLIST });
  assert.equal(session.streams.get(PLAYLIST), "asked");
  assert.equal(session.overdue(99_999), "subscribe");
});

test("events are in flight until they are answered, also by one ack for several", () => {
  const session = live();
  session.emit([event(1), event(2), event(1, PLAYLIST)], 0);
  assert.equal(session.eventsInFlight, 3);
  const items = [OWN, PLAYLIST].map((stream) => ({ stream, writer: "w", seq: 1, t: 5 }));
  hear(session, { type: "ack", acks: items });
  assert.deepEqual([session.isInFlight("a:me", 1), session.isInFlight("a:me", 2), session.isInFlight(PLAYLIST, 1)], [false, true, false]);
  hear(session, nack(2, "expired"));
  assert.equal(session.eventsInFlight, 0);
});

test("an ack that says of nothing what it acks is refused", () => {
  assert.throws(() => hear(live(), { type: "ack", stream: OWN, writer: "w" }), UnexpectedMessage);
});

test("a gap takes back all from the expected one on its stream; unavailable, the event and those behind it", () => {
  const gap = live();
  gap.emit([...[3, 4, 5, 6].map((seq) => event(seq)), event(9, PLAYLIST)], 0);
  hear(gap, nack(5, "gap", 4));
  assert.deepEqual([3, 4, 5, 6].map((seq) => gap.isInFlight("a:me", seq)), [true, false, false, false]);
  assert.ok(gap.isInFlight(PLAYLIST, 9));
  const unavailable = live();
  unavailable.emit([3, 4, 5].map((seq) => event(seq)), 0);
  hear(unavailable, nack(4, "unavailable"));
  assert.deepEqual([3, 4, 5].map((seq) => unavailable.isInFlight("a:me", seq)), [true, false, false]);
});

test("a closed session expects nothing", () => {
  const session = live();
  session.emit([event(1)], 0);
  session.close();
  assert.deepEqual([session.state, session.overdue(99_999), session.eventsInFlight], ["closed", null, 0]);
});
