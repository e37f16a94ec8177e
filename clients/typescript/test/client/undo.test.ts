// Undo: new events that restore what was there, as long as nobody has changed it since; and what lists and sets take.
// The stories are those of tests/unit/client/test_undo.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidEvent, LimitExceeded, NotFound, StoreBusy, UndoGone } from "../../src/errors.js";
import type { Done } from "../../src/client/done.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import { stamp } from "../../src/model/stamp.js";
import { plain } from "../vectors.js";
import { ack, delta, identified, PLAYLIST } from "./desk.js";
import { faceOf, undo, type OpenFace } from "./faces.js";

const ids = (face: OpenFace): string[] => face.queue.items.map(({ id }) => id);

const ACTIONS: Readonly<Record<string, (face: OpenFace) => Done>> = {
  add: (face) => face.queue.add("x", "y"),
  insert: (face) => face.queue.insert(1, "x"),
  "play next": (face) => face.queue.playNext("x"),
  remove: (face) => face.queue.remove(...ids(face).slice(0, 2)),
  move: (face) => face.queue.move(ids(face)[2]!, { to: 0 }),
  "move several": (face) => face.queue.move(ids(face).slice(0, 2), { to: 2 }),
  "move after": (face) => face.queue.moveAfter(ids(face)[0]!, { left: ids(face)[3]! }),
  clear: (face) => face.queue.clear(),
  like: (face) => face.library.add("tracks", "liked", "new"),
  unlike: (face) => face.library.remove("tracks", "liked"),
  "rate 0": (face) => face.library.rate("rated", 0),
  unrate: (face) => face.library.rate("rated", null),
  settings: (face) => face.settings.update({ set: 2, unset: 3 }),
  repeat: (face) => face.setRepeat("one"),
  shuffle: (face) => face.setShuffle(true),
  volume: (face) => face.setVolume(900),
  rename: (face) => face.playlist(PLAYLIST).rename("new"),
  delete: (face) => face.playlist(PLAYLIST).delete(),
  share: (face) => face.playlist(PLAYLIST).share("friend", "viewer"),
};

for (const [name, action] of Object.entries(ACTIONS)) {
  test(`undo of ${name} restores what showed, and undoing the undo brings it back`, async () => {
    const face = await faceOf();
    face.queue.add("a", "b", "c", "d");
    face.library.add("tracks", "liked");
    face.library.rate("rated", 70);
    face.settings.set("set", 1);
    face.setRepeat("all");
    face.setShuffle(false, { seed: 1 });
    face.setVolume(500);
    face.playlist(PLAYLIST).describe({ name: "old", deleted: false });
    face.playlist(PLAYLIST).share("friend", "editor");
    const shown = (): unknown => {
      const settings = [...face.settings.all].filter(([, value]) => value !== null);
      const { volume_permille } = face.devices[0]!;
      return plain([face.queue.tracks, face.library.sets, settings, face.modes, volume_permille, face.playlist(PLAYLIST).about]);
    };
    const before = shown();
    const done = action(face);
    const after = shown();
    assert.notDeepEqual(after, before);
    const back = undo(done);
    assert.deepEqual(shown(), before);
    assert.equal(done.undo, null);
    if (back.undo !== null) {
      back.undo();
      assert.deepEqual(shown(), after);
    }
  });
}

test("undo leaves alone what somebody changed since", async () => {
  const face = await faceOf();
  const done = face.library.add("tracks", "t1", "t2");
  face.state.heard(delta([["library/tracks/t1", stamp(done.events[0]!.event.t + 99, "otherwrite"), true]], "c"));
  undo(done);
  assert.deepEqual([face.library.has("tracks", "t1"), face.library.has("tracks", "t2")], [true, false]);
});

test("undo is not offered once all of it was changed", async () => {
  const face = await faceOf();
  const done = face.settings.set("theme", "dark");
  const before = done.undo;
  face.settings.set("theme", "light");
  assert.equal(done.undo, null);
  assert.throws(() => before?.(), UndoGone);
  assert.equal(face.settings.get("theme"), "light");
});

test("undo is offered while pending and after the ack, and not after a refusal", async () => {
  const face = await faceOf();
  const [kept, refused] = [face.settings.set("a", 1), face.settings.set("b", 1)];
  await kept.saved();
  assert.equal(kept.outcome, "pending");
  const [event] = kept.events;
  face.state.acked(ack(event!, { t: event!.event.t + 5 }), false);
  face.state.refused({ type: "nack", stream: "a:me", seq: 2, reason: "limit", message: "no" });
  assert.deepEqual([kept.outcome, refused.outcome], ["admitted", "refused"]);
  assert.notEqual(kept.undo, null);
  assert.equal(refused.undo, null);
});

test("what another adds after a clear stays when the clear is undone", async () => {
  const face = await faceOf();
  face.queue.add("a", "b");
  const clear = face.queue.clear();
  face.queue.add("c");
  undo(clear);
  assert.equal(face.queued, "a b c");
});

test("many tracks become several events in one order", async () => {
  const face = await faceOf();
  face.queue.add("first", "last");
  const many = Array.from({ length: 1_200 }, (_, n) => `t${n}`);
  const done = face.queue.insert(1, ...many);
  assert.deepEqual(done.events.map(({ event }) => (event.data["items"] as unknown[]).length), [500, 500, 200]);
  assert.deepEqual(face.queue.tracks, ["first", ...many, "last"]);
  const removed = face.queue.remove(...ids(face).slice(1, -1));
  assert.equal(face.queued, "first last");
  undo(removed);
  assert.equal(face.queue.length, 1_202);
  undo(done);
  assert.equal(face.queued, "first last");
  const playlist = face.playlist(PLAYLIST);
  playlist.add(...many);
  assert.deepEqual(playlist.tracks, many);
  assert.deepEqual(playlist.slice(598, 601).map(({ item }) => item["track"]), ["t598", "t599", "t600"]);
});

test("a mistake is told and makes nothing", async () => {
  const face = await faceOf();
  face.queue.add("a");
  const { owed } = face;
  assert.throws(() => face.queue.insert(5, "x"), { name: "NotFound", message: /index 5 is outside 0 to 1/ });
  assert.throws(() => face.queue.remove("w000000000.1.0"), { name: "NotFound", message: /w000000000\.1\.0 is not in queue/ });
  assert.throws(() => face.queue.add(), { name: "LimitExceeded", message: /0 items/ });
  assert.throws(() => face.queue.remove(), LimitExceeded);
  assert.throws(() => face.queue.move(ids(face)[0]!, { to: 3 }), NotFound);
  assert.throws(() => face.playlist("short"), InvalidEvent);
  assert.equal(face.owed, owed);
});

test("nothing is emitted for what already holds", async () => {
  const face = await faceOf();
  face.library.add("tracks", "t1");
  const { owed } = face;
  assert.deepEqual(face.library.add("tracks", "t1").events, []);
  assert.deepEqual(face.library.remove("tracks", "t2").events, []);
  assert.equal(face.owed, owed);
  assert.equal(face.library.rate("t1", 0).events.length, 1);
  assert.equal(face.library.rating("t1"), 0);
  assert.deepEqual(face.library.rate("t1", 0).events, []);
  assert.equal(face.library.rate("t1", null).events.length, 1);
  assert.equal(face.library.rating("t1"), null);
});

test("history and progress show what was reported", async () => {
  const face = await faceOf();
  const play = face.play("t1").events[0]!;
  face.history.played(play.id, "t1", { startedMs: 1, listenedMs: 30_000 });
  face.history.played(play.id, "t1", { startedMs: 1, listenedMs: 90_000 });
  assert.deepEqual(face.history.entries.map(({ track, listened_ms }) => [track, listened_ms]), [["t1", 90_000]]);
  face.history.remove(play.id);
  assert.deepEqual(face.history.entries, []);
  face.progress.listened("e1", 3_000_000, { durationMs: 3_600_000 });
  face.progress.listened("e1", 600_000);
  assert.deepEqual(face.progress.of("e1"), { resume_ms: 600_000, furthest_ms: 3_000_000, played: false });
  face.progress.markPlayed("e1");
  assert.equal(face.progress.all.get("e1")?.played, true);
});

test("an action tells whether the store took it", async () => {
  class FullStore extends MemoryStore {
    override mint(): never {
      throw new StoreBusy("the disk is full");
    }
  }
  const kept = (await faceOf()).settings.set("a", 1);
  await kept.saved();
  const face = await faceOf(await identified(new FullStore()));
  const told: string[] = [];
  face.onRefused(({ kind, message }) => told.push(`${kind}: ${message}`));
  const lost = face.settings.set("a", 1);
  await assert.rejects(lost.saved(), { name: "StoreBusy", message: "the disk is full" });
  assert.equal(face.settings.all.size, 0);
  assert.equal(lost.undo, null);
  await Promise.resolve();
  assert.deepEqual(told, ["settings.changed: the disk is full"]);
});
