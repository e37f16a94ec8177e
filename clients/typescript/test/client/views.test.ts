// Views that cost nothing to read again, and what tells that they have to be.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "../../src/client/change.js";
import { delta, DEVICE, identified, PLAYLIST, START_MS } from "./desk.js";
import { faceOf, type OpenFace } from "./faces.js";

/** Let callbacks come. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a view is the same object until something in it changes", async () => {
  const face = await faceOf();
  const playlist = face.playlist(PLAYLIST);
  playlist.add("a", "b");
  playlist.rename("mine");
  const views = (): readonly unknown[] => [
    face.queue.items, playlist.items, playlist.about, face.library.sets, face.settings.all, face.progress.all,
    face.history.entries, face.devices,
  ]; // prettier-ignore
  const before = views();
  face.play("t1", { device: "speaker" });
  assert.deepEqual(views().map((view, index) => view === before[index]), Array(before.length).fill(true));
  const changes: readonly ((face: OpenFace) => unknown)[] = [
    () => face.queue.add("x"), () => playlist.add("c"), () => playlist.rename("ours"), () => face.library.add("tracks", "t"),
    () => face.settings.set("a", 1), () => face.progress.listened("e", 5),
    () => face.history.played("p", "t", { startedMs: 1, listenedMs: 2 }), () => face.describe({ name: "phone" }),
  ]; // prettier-ignore
  for (const [index, change] of changes.entries()) {
    const old = views();
    change(face);
    assert.deepEqual(views().map((view, other) => view !== old[other]), old.map((_, other) => other === index));
  }
  assert.equal(face.playlist(PLAYLIST), playlist);
});

test("moving one entry of a long list changes two cells, and reads only what stands around it again", async () => {
  const face = await faceOf();
  const playlist = face.playlist(PLAYLIST);
  playlist.add(...Array.from({ length: 10_000 }, (_, n) => `t${n}`));
  const changes: Change[] = [];
  face.state.replicas.watch((change) => changes.push(change));
  playlist.move(playlist.items[9_000]!.id, { to: 10 });
  assert.deepEqual(changes.map(({ cells }) => cells.size), [2]);
  assert.deepEqual(playlist.slice(9, 12).map(({ item }) => item["track"]), ["t9", "t9000", "t10"]);
  assert.equal(playlist.length, 10_000);
});

test("who subscribes is called once for all that happens in one turn, and not for what is elsewhere", async () => {
  const face = await faceOf();
  const called: string[] = [];
  const playlist = face.playlist(PLAYLIST);
  const ends = [
    face.queue.subscribe(() => called.push("queue")), playlist.subscribe(() => called.push("playlist")),
    face.library.subscribe(() => called.push("library")), face.settings.subscribe(() => called.push("settings")),
    face.progress.subscribe(() => called.push("progress")), face.history.subscribe(() => called.push("history")),
    face.player.subscribe(() => called.push("player")), face.subscribePlaylists(() => called.push("playlists")),
    face.subscribeDevices(() => called.push("devices")),
  ]; // prettier-ignore
  const heard = async (act: () => unknown): Promise<string> => {
    act();
    await turn();
    return called.splice(0).join(" ");
  };
  assert.equal(await heard(() => [face.queue.add("a"), face.queue.add("b")]), "queue");
  assert.equal(await heard(() => face.play(face.queue.items[0]!)), "queue player");
  assert.equal(await heard(() => [playlist.add("a"), playlist.rename("n")]), "playlist");
  assert.equal(await heard(() => face.library.add("playlists", playlist.id)), "library playlists");
  assert.equal(await heard(() => face.settings.set("a", 1)), "settings");
  assert.equal(await heard(() => face.progress.listened("e", 5)), "progress");
  assert.equal(await heard(() => face.history.clear()), "history");
  assert.equal(await heard(() => face.setVolume(7)), "player devices");
  assert.equal(await heard(() => face.setRepeat("all")), "player");
  face.queue.add("c");
  for (const end of ends) end();
  assert.equal(await heard(() => face.queue.add("d")), "", "ended before it was told");
});

test("changes tell what shows now and who did it, and a mistake in a callback stops nobody else", async () => {
  const face = await faceOf();
  const changes: Change[] = [];
  const uncaught: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
  face.onChange(() => {
    throw new RangeError("my own mistake");
  });
  const end = face.onChange((change) => changes.push(change));
  const by = { account: "9f3c", device: "d2", kind: "settings.changed", event: "w.1", t: 7 };
  face.state.heard({ ...delta([["settings/a", "r", 1]], "c2"), by });
  assert.equal(changes.length, 0, "not in the middle of it");
  await turn();
  process.setUncaughtExceptionCaptureCallback(null);
  end();
  assert.deepEqual(changes.map(({ stream, cells, by: who }) => [stream, [...cells], who]), [
    ["a:me", [["settings/a", { rank: "r", value: 1 }]], by],
  ]);
  assert.deepEqual(changes[0]?.areas, new Set(["settings"]));
  assert.deepEqual(uncaught.map(String), ["RangeError: my own mistake"]);
});

test("playlists show in the order of the sidebar's library, without deleted ones, and are kept in step", async () => {
  const face = await faceOf();
  const [one, two] = [face.createPlaylist("one"), face.createPlaylist("two")];
  assert.match(one.id, /^[0-9a-z]{25}$/);
  assert.deepEqual(face.playlists.map(({ name }) => name), ["one", "two"]);
  one.delete();
  assert.deepEqual(face.playlists, [two]);
  let owed = 0;
  face.state.ears = { ...face.state.ears, owed: () => (owed += 1) };
  const opened = face.playlist(PLAYLIST);
  assert.equal(owed, 1, "the connection has one more stream to ask for");
  face.playlist(PLAYLIST);
  assert.equal(owed, 1);
  assert.deepEqual(new Set(face.wanted), new Set([one.stream, two.stream, opened.stream]));
});

test("a device describes itself, and emits whatever else a kind allows", async () => {
  const face = await faceOf(await identified());
  face.describe({ name: "phone", capabilities: { video: true } });
  const [view] = face.devices;
  assert.deepEqual([face.deviceId, view?.device, view?.name, view?.kind], [DEVICE, DEVICE, "phone", null]);
  const done = face.emit("list.inserted", { list: "items", side: "R", items: [{ track: "x" }] }, { stream: PLAYLIST, validMs: 9 });
  assert.deepEqual([face.playlist(PLAYLIST).tracks, done.events[0]?.pending.valid_ms], [["x"], 9]);
  assert.equal(face.cells(PLAYLIST).size, 1);
  assert.equal(face.digest(PLAYLIST), "0000000000000000", "nothing of it is confirmed");
  face.setSleep({ afterMs: 1_000 });
  assert.equal(face.modes.sleep_at_ms, START_MS + 1_000);
});
