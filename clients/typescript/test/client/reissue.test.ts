// Own events that were refused, and those whose place in a list is gone. As in tests/unit/client/test_answers.py and
// test_lost_places.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocalState } from "../../src/client/local_state.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import { Reissue } from "../../src/client/reissue.js";
import { Lists } from "../../src/client/lists.js";
import type { Refusal } from "../../src/client/change.js";
import { lower } from "../../src/model/lowering/lowering.js";
import { merge, type Cells } from "../../src/model/cells.js";
import { pack } from "../../src/model/stamp.js";
import type { Nack } from "../../src/schemas/messages.js";
import { identified, login, START_MS, WRITER } from "./desk.js";
import { faceOf, type OpenFace } from "./faces.js";

type Scene = { readonly face: OpenFace; readonly reissue: Reissue };

async function scene(state?: LocalState): Promise<Scene> {
  const face = await faceOf(state);
  return { face, reissue: new Reissue(face.state, new Lists(face.state)) };
}

function nack(seq: number, reason: Nack["reason"], message = "because"): Nack {
  return { type: "nack", stream: "a:me", seq, reason, message };
}

const toldOf = (refusals: readonly (Refusal | null)[]): unknown => refusals.map((each) => [each?.reason, each?.reissued]);

/** What an insertion by another device has written. */
function ofAnother(seq: number, tracks: readonly string[], parent: string | null = null): Cells {
  const data = { list: "queue", side: "R", parent, items: tracks.map((track) => ({ track })) } as const;
  return lower({ stream: "a:me", writer: "elsewhere0", seq, t: pack(START_MS, seq), kind: "list.inserted", data });
}

for (const reason of ["invalid", "limit", "expired", "forbidden"] as const) {
  test(`a refusal for good (${reason}) takes back what was done and is told`, async () => {
    const { face, reissue } = await scene();
    const done = face.library.add("tracks", "t1");
    await done.saved();
    const message = "because";
    assert.deepEqual(reissue.refused(nack(1, reason)), { stream: "a:me", kind: "library.changed", reason, message, reissued: false });
    assert.equal(face.library.has("tracks", "t1"), false);
    assert.deepEqual([done.outcome, done.undo, face.owed], ["refused", null, 0]);
    assert.equal(reissue.refused(nack(1, reason)), null);
  });
}

test("what hung on a refused insertion is inserted again where it was seen", async () => {
  const { face, reissue } = await scene();
  face.queue.add("a", "z");
  await face.acknowledge();
  face.queue.insert(1, "b");
  face.queue.insert(2, "c");
  face.queue.insert(3, "d");
  await face.state.stored();
  const last = face.queue.items[3]!.id;
  assert.equal(face.queued, "a b c d z");
  const refusals = [reissue.refused(nack(2, "limit")), reissue.refused(nack(3, "orphan")), reissue.refused(nack(4, "orphan"))];
  assert.deepEqual(toldOf(refusals), [["limit", false], ["orphan", true], ["orphan", true]]);
  assert.equal(face.queued, "a c d z");
  assert.deepEqual([...face.state.outbox].map(({ pending }) => pending.seq), [5, 6]);
  await face.acknowledge();
  assert.equal(face.queued, "a c d z");
  face.queue.remove(last);
  assert.equal(face.queued, "a c z");
});

test("moves, removals and undone moves are made again for what is left of them", async () => {
  const { face, reissue } = await scene();
  face.queue.add("a", "b", "z");
  await face.acknowledge();
  face.queue.add("lost");
  const [a, b, , lost] = face.queue.items.map(({ id }) => id) as [string, string, string, string];
  const moved = face.queue.move([lost, a], { to: 2 });
  face.queue.remove(lost, b);
  moved.undo?.();
  await face.state.stored();
  const refusals = [2, 3, 4, 5, 6].map((seq) => reissue.refused(nack(seq, seq === 2 ? "limit" : "orphan")));
  assert.deepEqual(toldOf(refusals), [
    ["limit", false], ["orphan", true], ["orphan", true], ["orphan", false], ["orphan", true],
  ]); // prettier-ignore
  assert.equal(face.queued, "a z");
});

test("controls of a play that never began are dropped", async () => {
  const { face, reissue } = await scene();
  face.play("t1");
  face.seek(5_000);
  await face.state.stored();
  assert.deepEqual(toldOf([reissue.refused(nack(1, "limit")), reissue.refused(nack(2, "orphan"))]), [["limit", false], ["orphan", false]]);
  assert.deepEqual([face.playback, face.owed], [null, 0]);
});

test("edits whose place is gone are made again at the end, in their order", async () => {
  const { face, reissue } = await scene();
  const kept = ofAnother(1, ["a"]);
  const lost = ofAnother(2, ["b", "c"], "elsewhere0.1.0");
  face.state.replaced({ type: "replaced", stream: "a:me", cells: merge(kept, lost), cursor: "c1" });
  assert.equal(face.queued, "a b c");
  face.queue.insert(2, "x");
  face.queue.insert(3, "y");
  face.queue.move(face.queue.items.at(-1)!.id, { to: 0 });
  await face.state.stored();
  assert.equal(face.queued, "c a b x y");
  face.state.replaced({ type: "replaced", stream: "a:me", cells: new Map(kept), cursor: "c2" });
  await face.state.identify(login());
  assert.deepEqual(toldOf(reissue.rehome()), [["orphan", true], ["orphan", true]]);
  assert.equal(face.queued, "a x y");
  await face.acknowledge();
  assert.equal(face.queued, "a x y");
});

test("edits whose place is there stay as they were made", async () => {
  const { face, reissue } = await scene();
  const kept = ofAnother(1, ["a", "b"]);
  face.state.replaced({ type: "replaced", stream: "a:me", cells: new Map(kept), cursor: "c1" });
  const [made] = face.queue.insert(1, "x").events;
  const { id, event } = made!;
  await face.state.identify(login());
  assert.deepEqual(reissue.rehome(), []);
  assert.deepEqual([made!.id, made!.event.t, id], [id, event.t, `${WRITER}.1`]);
});

test("an edit made again is in the store under its new number, and the old one is not", async () => {
  const store = new MemoryStore();
  const { face, reissue } = await scene(await identified(store));
  face.queue.add("a");
  face.queue.add("b");
  await face.state.stored();
  reissue.refused(nack(1, "limit"));
  reissue.refused(nack(2, "orphan"));
  await face.state.flush();
  const { outbox } = await store.ledger();
  assert.deepEqual(outbox.map(({ seq, kind }) => [seq, kind]), [[3, "list.inserted"]]);
});
