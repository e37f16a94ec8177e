// Several tabs on one store: their own events get one order, and each shows what the others do.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Draft } from "../../src/client/draft.js";
import type { Effect } from "../../src/client/effect.js";
import { LocalState } from "../../src/client/local_state.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import type { OutboxRow } from "../../src/client/store_rows.js";
import { ack, delta, identified, like, login, ManualDeviceClock, shownOf, WRITER } from "./desk.js";
import { faceOf } from "./faces.js";

/** Tabs that tell each other everything, as they would by a channel; not in the middle of it. */
async function tabs(count: number): Promise<readonly LocalState[]> {
  const store = new MemoryStore("shared");
  const owner = await identified(store);
  const others = Array.from({ length: count - 1 }, () => LocalState.open(store, new ManualDeviceClock()));
  const all = [owner, ...(await Promise.all(others))];
  for (const tab of all) {
    const tell = (what: (other: LocalState) => Promise<void>): void => {
      for (const other of all) if (other !== tab) void what(other);
    };
    tab.ears = {
      owed() {},
      made: (rows: readonly OutboxRow[]) => tell((other) => other.adopt(structuredClone(rows))),
      renamed: () => tell((other) => other.readLedger()),
      effect: (effect: Effect) => tell((other) => other.followEffect(structuredClone(effect))),
    };
  }
  return all;
}

/** Wait until all of them have done what they were told. */
async function quiet(all: readonly LocalState[]): Promise<void> {
  for (let round = 0; round < 4; round++) for (const tab of all) await tab.stored();
}

const names = (state: LocalState): string[] => Array.from(state.outbox, ({ id }) => id);
const insertion = (track: string): Draft => ({
  kind: "list.inserted", data: { list: "queue", side: "R", items: [{ track }] }, stream: "a:me", validMs: null,
}); // prettier-ignore

test("tabs that act in the same moment get numbers one after another, and all show all of it", async () => {
  const all = await tabs(3);
  const made = all.flatMap((tab, n) => [tab.make(like(`t${n}a`)), tab.make(like(`t${n}b`))]);
  assert.deepEqual(new Set(made.map(({ id }) => id)).size, 2, "each tab guesses the same numbers");
  await quiet(all);
  assert.deepEqual(new Set(made.map(({ id }) => id)).size, 6);
  for (const tab of all) {
    assert.deepEqual(names(tab), [1, 2, 3, 4, 5, 6].map((seq) => `${WRITER}.${seq}`));
    assert.deepEqual(shownOf(tab), shownOf(all[0]!));
    assert.equal(shownOf(tab).size, 6);
  }
  const times = Array.from(all[1]!.outbox, ({ pending }) => pending.t);
  assert.deepEqual([...times].sort((a, b) => a - b), times);
  assert.equal(new Set(times).size, 6);
});

test("what names an event that was counted again follows it", async () => {
  const [first, second] = (await tabs(2)) as [LocalState, LocalState];
  first.make(insertion("x"));
  const face = await faceOf(second);
  face.queue.add("a");
  face.queue.add("b");
  face.queue.move(face.queue.items[1]!.id, { to: 0 });
  assert.equal(face.queued, "b a");
  await quiet([first, second]);
  assert.equal(face.queued.replace("x", "").trim().replace(/ +/, " "), "b a");
  assert.deepEqual((await faceOf(first)).queue.tracks, face.queue.tracks);
});

test("a tab shows what the one with the connection is told, and what became of its own events", async () => {
  const [owner, other] = (await tabs(2)) as [LocalState, LocalState];
  const [kept, lost] = [other.make(like("kept")), other.make(like("lost"))];
  await quiet([owner, other]);
  owner.heard(delta([["settings/theirs", "r", 1]], "c1"));
  owner.acked(ack(owner.outbox.find("a:me", 1)!, { t: kept.event.t + 7, cursor: "c2" }), false);
  owner.refused({ type: "nack", stream: "a:me", seq: 2, reason: "limit", message: "no" });
  await quiet([owner, other]);
  assert.deepEqual(shownOf(other), shownOf(owner));
  assert.deepEqual([...shownOf(other).keys()].sort(), ["library/tracks/kept", "settings/theirs"]);
  assert.deepEqual([kept.outcome, kept.event.t, lost.outcome], ["admitted", owner.header.seen_t, "refused"]);
  assert.deepEqual([owner.outbox.size, other.outbox.size], [0, 0]);
});

test("a snapshot that one tab was told is another's own copy", async () => {
  const [owner, other] = (await tabs(2)) as [LocalState, LocalState];
  const cells = new Map([["settings/a", { rank: "r", value: 1 }]]);
  owner.replaced({ type: "replaced", stream: "a:me", cells, cursor: "c1" });
  await quiet([owner, other]);
  await other.followEffect({ stream: "a:me", cells: new Map(), isSnapshot: true, by: null, settled: null });
  assert.equal(shownOf(other).size, 0);
  assert.equal(shownOf(owner).size, 1);
});

test("names that one tab was given reach the others with what they hold", async () => {
  const store = new MemoryStore("shared");
  const owner = await LocalState.open(store, new ManualDeviceClock());
  const other = await LocalState.open(store, new ManualDeviceClock());
  owner.ears = { ...owner.ears, renamed: () => void other.readLedger(), made: (rows) => void other.adopt(rows) };
  const theirs = other.make(like("t1"));
  await quiet([owner, other]);
  await owner.identify(login());
  await quiet([owner, other]);
  assert.deepEqual([theirs.id, other.header.writer, other.header.account], [`${WRITER}.1`, WRITER, owner.header.account]);
  assert.deepEqual(shownOf(other), shownOf(owner));
});

test("a tab that opens or takes over holds what the store holds, and what it made itself", async () => {
  const [owner, other] = (await tabs(2)) as [LocalState, LocalState];
  owner.heard(delta([["settings/a", "r", 1]], "c1"));
  await owner.flush();
  owner.heard(delta([["settings/b", "r", 1]], "c2"));
  await quiet([owner, other]);
  assert.equal(shownOf(other).size, 2);
  // The owner is killed here: c2 was never saved, so it has to come again.
  const own = other.make(like("t1"));
  await other.reload();
  assert.equal(other.replicas.own.cursor, "c1");
  assert.deepEqual([...shownOf(other).keys()].sort(), ["library/tracks/t1", "settings/a"]);
  await quiet([other]);
  assert.deepEqual([own.outcome, own.isSaved, names(other)], ["pending", true, [own.id]]);
});

test("what a tab was told and had not saved before another one led is not written over what is newer", async () => {
  const [first, second] = (await tabs(2)) as [LocalState, LocalState];
  first.heard(delta([["settings/a", "r1", 1]], "c1"));
  await quiet([first, second]);
  await second.take(); // the first was frozen
  await second.reload();
  second.heard(delta([["settings/a", "r2", 2]], "c2"));
  await second.flush();
  await first.take();
  await first.reload();
  await first.flush();
  assert.deepEqual([first.replicas.own.cursor, shownOf(first).get("settings/a")], ["c2", { rank: "r2", value: 2 }]);
  await second.reload();
  assert.deepEqual(shownOf(second), shownOf(first));
});

test("answers that the killed owner had not saved are asked for again", async () => {
  const [owner, other] = (await tabs(2)) as [LocalState, LocalState];
  other.make(like("t1"));
  await quiet([owner, other]);
  await owner.markSent([...owner.outbox]);
  owner.acked(ack(owner.outbox.find("a:me", 1)!, { cursor: "c1" }), false);
  await quiet([owner, other]);
  assert.equal(other.outbox.size, 0);
  await other.reload();
  const [again] = [...other.outbox];
  assert.deepEqual([again?.id, again?.pending.sent], [`${WRITER}.1`, true]);
  assert.equal(other.acked(ack(again!, { seen: true }), false), again);
  await other.flush();
  await other.reload();
  assert.equal(other.outbox.size, 0);
});

test("many answered events are not remembered for ever", async () => {
  const [owner, other] = (await tabs(2)) as [LocalState, LocalState];
  for (let n = 0; n < 1_100; n++) owner.make(like(`t${n}`));
  await quiet([owner, other]);
  for (const event of [...owner.outbox]) owner.acked(ack(event), false);
  await owner.flush();
  await quiet([owner, other]);
  assert.deepEqual([owner.outbox.size, other.outbox.size], [0, 0]);
  assert.deepEqual(shownOf(other), shownOf(owner));
  const [a, b] = [other.make(like("more")), owner.make(like("and more"))];
  await quiet([owner, other]);
  assert.deepEqual(names(owner), [a.id, b.id].sort());
});
