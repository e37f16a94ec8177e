// What a device does with its connection, against a gateway of the test's own on real sockets.
import assert from "node:assert/strict";
import { test } from "node:test";
import { THEN_OF, type Then } from "../../src/schemas/close_codes.js";
import { WebSocket } from "ws";
import type { Connect } from "../../src/client/link.js";
import { webSocketConnect } from "../../src/client/websocket_link.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import { lower } from "../../src/model/lowering/lowering.js";
import { pack } from "../../src/model/stamp.js";
import { Gateway, play, type Connection } from "./gateway.js";
import { ACCOUNT, identified, ManualDeviceClock, START_MS, WRITER } from "./desk.js";
import { faceOf } from "./faces.js";

/** What a hello after a close is expected to hold, or the state that the device stops in. */
const AFTER: Record<Then, { cursor: string | null; writer: string | undefined } | "login needed" | "stopped"> = {
  resume: { cursor: "c1", writer: WRITER },
  snapshot: { cursor: null, writer: WRITER },
  renew_writer: { cursor: null, writer: undefined },
  renew_login: "login needed",
  stay_away: "stopped",
};

for (const [code, duty] of Object.entries(THEN_OF)) {
  // 1006 is never said: it is a connection that breaks.
  const end = ({ socket }: Connection): void => (code === "1006" ? socket.terminate() : socket.close(Number(code), "because"));
  test(`after a close with ${code}: ${duty}`, async () => {
    await play(async (device, gateway) => {
      const first = await gateway.next();
      await first.welcome();
      await device.ready();
      end(first);
      const expected = AFTER[duty];
      if (typeof expected === "string") {
        await device.until(() => device.state === expected);
        assert.equal(device.error?.message, "because");
        if (expected === "stopped") return assert.equal(gateway.count, 1);
        device.renew("token-2");
        return assert.equal((await (await gateway.next()).next("hello")).token, "token-2");
      }
      const { streams, writer, proposal } = await (await gateway.next()).next("hello");
      assert.deepEqual({ cursor: streams[0]?.cursor, writer }, expected);
      assert.equal(proposal, undefined);
    });
  });
}

test("edits whose place is still to come are not made twice", async () => {
  // Own events are in the store at once, what others did a moment later: a kill in between keeps an edit without its place.
  // The gateway had admitted it, and says "tail", which is complete only when all of it has come.
  const store = new MemoryStore();
  const killed = await faceOf(await identified(store));
  const data = { list: "queue", side: "R", parent: null, items: [{ track: "a" }, { track: "b" }] } as const;
  const run = lower({ stream: "a:me", writer: "elsewhere0", seq: 1, t: pack(START_MS, 1), kind: "list.inserted", data });
  const cells = Array.from(run, ([key, { rank, value }]) => [key, rank, value] as const);
  killed.state.heard({ type: "delta", stream: "a:me", cells, cursor: "c2" });
  killed.queue.insert(1, "x");
  killed.queue.add("y");
  await killed.state.stored();
  const made = [...killed.state.outbox].map(({ pending: { seq, t } }) => [seq, t]);
  await play(async (device, gateway) => {
    const connection = await gateway.next();
    await connection.welcome({ resume: "tail" });
    const { sent_ms } = await connection.next("ping");
    connection.say({ type: "delta", stream: `a:${ACCOUNT}`, cells, cursor: "c2" });
    connection.say({ type: "pong", sent_ms, now_ms: START_MS });
    const { events } = await connection.next("emit");
    assert.deepEqual(events.map(({ seq, t }) => [seq, t]), made);
    connection.ack(events);
    await device.settled();
    assert.deepEqual(device.queue.tracks, ["a", "x", "b", "y"]);
  }, { store, clock: new ManualDeviceClock() }); // prettier-ignore
});

test("a store that was never online proposes its writer, and keeps it when the gateway does", async () => {
  await play(async (device, gateway) => {
    device.queue.add("t1");
    const connection = await gateway.next();
    const { proposal, writer, nonce, streams } = await connection.next("hello");
    assert.deepEqual([writer, nonce.length, streams], [undefined, 16, [{ stream: "a:me", cursor: null, last_seq: 1 }]]);
    assert.match(proposal ?? "", /^[0-9a-z]{10}$/);
  });
});

test("own events leave in order when all is in step, at most 256 of them without an answer", async () => {
  await play(async (device, gateway) => {
    for (let n = 0; n < 300; n++) device.settings.set("n", n);
    const connection = await gateway.next();
    await connection.welcome();
    const { events } = await connection.next("emit");
    assert.deepEqual(events.map(({ seq }) => seq), Array.from({ length: 256 }, (_, n) => n + 1));
    connection.ack(events.slice(0, 100));
    const more = (await connection.next("emit")).events;
    assert.deepEqual(more.map(({ seq }) => seq), Array.from({ length: 44 }, (_, n) => n + 257));
    connection.ack([...events.slice(100), ...more]);
    await device.settled();
    assert.equal(device.settings.get("n"), 299);
  });
});

test("what has no answer for ten seconds is sent again on another connection, with its number", async () => {
  const clock = new ManualDeviceClock(Date.now());
  await play(async (device, gateway) => {
    const first = await gateway.next();
    await first.welcome();
    await device.ready();
    device.queue.add("t1");
    const [event] = (await first.next("emit")).events;
    clock.passMs(11_000);
    const second = await gateway.next();
    await second.welcome({ resume: "tail" });
    const { events } = await second.next("emit");
    assert.deepEqual(events, [event]);
    assert.match(device.error?.message ?? "", /^no answer to event for 10 s$/);
    second.say({ type: "ack", stream: `a:${ACCOUNT}`, writer: WRITER, seq: 1, t: event!.t, seen: true });
    await device.settled();
  }, { clock }); // prettier-ignore
});

test("what the gateway knows is answered before anything new leaves, and nothing is under way when a number was taken", async () => {
  await play(async (device, gateway) => {
    const first = await gateway.next();
    await first.welcome();
    await device.ready();
    device.queue.add("ours");
    const [event] = (await first.next("emit")).events;
    first.socket.terminate();
    const second = await gateway.next();
    device.queue.add("behind it");
    await device.stored();
    await second.welcome({ resume: "tail", next_seq: 2 });
    assert.deepEqual((await second.next("emit")).events, [event]);
    // A restored store that made events before it was online: another life of it has sent something else as this.
    second.say({ type: "ack", stream: `a:${ACCOUNT}`, writer: WRITER, seq: 1, t: event!.t - 5_000, seen: true });
    await second.closed();
    assert.equal(second.count("emit"), 0);
    const third = await gateway.next();
    const { writer } = await third.welcome({ resume: "tail", writer: "writer0002" });
    assert.equal(writer, undefined);
    const { sent_ms } = await third.next("ping");
    third.say({ type: "pong", sent_ms, now_ms: Date.now() });
    const { events } = await third.next("emit");
    assert.deepEqual(events.map(({ seq }) => seq), [1, 2]);
    third.ack(events, "writer0002");
    await device.settled();
    assert.deepEqual(device.queue.tracks, ["ours", "behind it"]);
  });
});

test("a silent connection is asked, and given up when it does not answer", async () => {
  const clock = new ManualDeviceClock(Date.now());
  await play(async (device, gateway) => {
    const first = await gateway.next();
    await first.welcome();
    await device.ready();
    clock.passMs(21_000);
    const { sent_ms } = await first.next("ping");
    first.say({ type: "pong", sent_ms, now_ms: clock.wallMs() });
    clock.passMs(21_000);
    await first.next("ping");
    clock.passMs(11_000);
    await first.closed();
    assert.match(device.error?.message ?? "", /^no answer to ping for 10 s$/);
    await (await gateway.next()).welcome({ resume: "tail" });
    await device.until(() => device.connected);
  }, { clock }); // prettier-ignore
});

test("a gateway that drains is left for the one that it names", async () => {
  const other = await Gateway.start();
  try {
    await play(async (device, gateway) => {
      const first = await gateway.next();
      await first.welcome();
      await device.ready();
      first.say({ type: "drain", reconnect_after_ms: 10, url: other.url });
      const hello = await (await other.next()).welcome({ resume: "tail" });
      assert.equal(hello.streams[0]?.cursor, "c1");
      await device.until(() => device.connected);
    });
  } finally {
    other.close();
  }
});

test("while the socket is full nothing is added to it", async () => {
  let isFull = true;
  const open = webSocketConnect(WebSocket);
  const connect: Connect = async (...given) => {
    const link = await open(...given);
    const full = { get: () => (isFull ? 10_000_000 : 0) };
    return Object.defineProperty(link, "waitingBytes", full);
  };
  await play(async (device, gateway) => {
    const connection = await gateway.next();
    await connection.welcome();
    await device.ready();
    device.queue.add("t1");
    await device.stored();
    device.takeAgain(); // what is said after it has overtaken the event
    await connection.next("subscribe");
    assert.equal(connection.count("emit"), 0);
    connection.say({ type: "subscribed", stream: `a:${ACCOUNT}`, next_seq: 1, resume: "tail" });
    isFull = false;
    connection.ack((await connection.next("emit")).events);
    await device.settled();
  }, { connect }); // prettier-ignore
});

test("a stream that is told unavailable is tried again, in order", async () => {
  await play(async (device, gateway) => {
    const connection = await gateway.next();
    await connection.welcome();
    await device.ready();
    device.queue.add("t1");
    await device.stored();
    device.queue.add("t2");
    const events = [...(await connection.next("emit")).events];
    if (events.length === 1) events.push(...(await connection.next("emit")).events);
    connection.say({ type: "nack", stream: `a:${ACCOUNT}`, seq: 1, reason: "unavailable", message: "the log is away" });
    const again = (await connection.next("emit")).events;
    assert.deepEqual(again, events);
    connection.ack(again);
    await device.settled();
    assert.equal(gateway.count, 1);
  });
});

test("a refused event is taken back and told", async () => {
  await play(async (device, gateway) => {
    const connection = await gateway.next();
    await connection.welcome();
    await device.ready();
    const refusals: string[] = [];
    device.onRefused(({ kind, reason, message }) => refusals.push(`${kind} ${reason} ${message}`));
    const done = device.library.add("tracks", "t1");
    const { events } = await connection.next("emit");
    connection.say({ type: "nack", stream: `a:${ACCOUNT}`, seq: events[0]!.seq, reason: "forbidden", message: "not yours" });
    await device.settled();
    assert.deepEqual([done.outcome, device.library.has("tracks", "t1")], ["refused", false]);
    assert.deepEqual(refusals, ["library.changed forbidden not yours"]);
  });
});

test("a snapshot that is asked for again takes the place of what was there", async () => {
  await play(async (device, gateway) => {
    const connection = await gateway.next();
    await connection.welcome();
    await device.ready();
    const cell = ["settings/volume", "36ler11oo00k3v9q2m4ta", 5] as const;
    connection.say({ type: "delta", stream: `a:${ACCOUNT}`, cells: [cell], cursor: "c2" });
    await device.until(() => device.settings.get("volume") === 5);
    device.takeAgain();
    assert.deepEqual([(await connection.next("unsubscribe")).stream, (await connection.next("subscribe")).cursor], ["a:me", null]);
    connection.say({ type: "subscribed", stream: `a:${ACCOUNT}`, next_seq: 1, resume: "snapshot" });
    connection.say({ type: "snapshot", stream: `a:${ACCOUNT}`, cells: [], part: 0, last: true, cursor: "c3" });
    await device.until(() => device.settings.get("volume") === null);
  });
});

for (const [what, payload] of [["no message", "{}"], ["too much", `"${"x".repeat(1024 * 1024)}"`]] as const) {
  test(`a gateway that says ${what} is left, and tried again`, async () => {
    await play(async (device, gateway) => {
      const first = await gateway.next();
      await first.welcome();
      await device.ready();
      first.socket.send(payload);
      await first.closed();
      await (await gateway.next()).welcome({ resume: "tail" });
      await device.until(() => device.connected);
    });
  });
}

test("a server that speaks something else is no gateway", async () => {
  await play(async (device) => {
    await device.until(() => device.state === "offline");
    assert.match(device.error?.message ?? "", /^ws:.*: (it does not speak syncd\.v1\.json|no connection)/);
  }, { speaks: "syncd.v9.json" }); // prettier-ignore
});

test("the store of one account is not mixed with another's", async () => {
  await play(async (device, gateway) => {
    const first = await gateway.next();
    await first.welcome();
    await device.ready();
    first.socket.close(4000, "draining");
    const second = await gateway.next();
    const { streams } = await second.next("hello");
    const welcomed = streams.map(() => ({ stream: "a:other", next_seq: 1, resume: "tail" as const }));
    second.say({
      type: "welcome", writer: WRITER, account: "other", device: "d9", now_ms: Date.now(), streams: welcomed,
      limits: { frame_bytes: 262_144, event_bytes: 65_536, emit_events: 256, subscriptions: 1_000 },
    }); // prettier-ignore
    await device.until(() => device.state === "stopped");
    assert.equal(device.error?.code, "other_account");
  });
});
