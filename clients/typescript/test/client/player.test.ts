// What comes next, who is to play it, and which commands expire. The stories are those of tests/unit/client/test_player.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { adoptIfFree } from "../../src/client/adoption.js";
import type { ContextItem } from "../../src/client/upcoming.js";
import { InvalidEvent, NotFound } from "../../src/errors.js";
import { CONTROL_VALID_MS } from "../../src/limits.js";
import type { Json } from "../../src/model/canonical.js";
import { shuffled } from "../../src/model/shuffle.js";
import type { PlaybackStarted } from "../../src/schemas/events.js";
import { DEVICE, identified, ManualDeviceClock, START_MS } from "./desk.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import { faceOf, type OpenFace } from "./faces.js";

const ABC = { tracks: ["a", "b", "c"] };
const CONTEXT_OF_12 = { tracks: Array.from({ length: 12 }, (_, n) => `t${n}`) };

/** A device, and its clock. */
async function timed(): Promise<{ readonly face: OpenFace; readonly clock: ManualDeviceClock }> {
  const clock = new ManualDeviceClock();
  return { face: await faceOf(await identified(new MemoryStore(), clock)), clock };
}

/** Another device plays something. Returns the id of its play. */
function startElsewhere(face: OpenFace, tMs: number, more: Partial<PlaybackStarted> = {}): string {
  const item = { from: "context", id: "0", track: "a" } as const;
  const start = { device: "d2", item, follows: [], position_ms: 0, playing: true, speed_permille: 1_000, context: ABC };
  return face.hear("playback.started", { ...start, ...more }, { seq: 1, tMs });
}

// --- next and previous ---

test("next takes the queue, then the context, then nothing", async () => {
  const face = await faceOf();
  face.play("a", { context: ABC });
  face.queue.add("q1", "q2");
  const heard = [face.track];
  for (let n = 0; n < 4; n++) {
    face.next();
    heard.push(face.track);
  }
  assert.deepEqual(heard, ["a", "q1", "q2", "b", "c"]);
  assert.equal(face.queue.length, 0);
  assert.throws(() => face.next(), { name: "NotFound", message: /nothing to go on with/ });
});

test("with repeat all the context begins anew", async () => {
  const face = await faceOf();
  face.setRepeat("all");
  face.play("c", { context: ABC });
  face.next();
  assert.equal(face.track, "a");
  face.previous();
  assert.equal(face.track, "c");
});

test("repeat one repeats by itself but lets a pressed next pass", async () => {
  const face = await faceOf();
  face.setRepeat("one");
  face.play("a", { context: ABC });
  face.player.ended();
  assert.deepEqual([face.track, face.last.event.data["automatic"]], ["a", true]);
  face.next();
  assert.deepEqual([face.track, face.last.event.data["automatic"]], ["b", false]);
});

test("at its natural end with nothing left it pauses", async () => {
  const face = await faceOf();
  face.play("c", { context: ABC });
  face.player.ended();
  assert.deepEqual([face.track, face.playback?.playing], ["c", false]);
});

test("the radio goes on where the context ends", async () => {
  const radio = (context: Json): ContextItem => ({ id: "r1", track: `like ${(context as typeof ABC).tracks[0]}` });
  const face = await faceOf(undefined, { radio });
  face.play("c", { context: ABC });
  face.next();
  assert.equal(face.track, "like a");
});

test("a shuffled context is played once through in the order of its seed", async () => {
  const face = await faceOf();
  face.setShuffle(true, { seed: 42 });
  face.play("t5", { context: CONTEXT_OF_12 });
  const heard = ["t5"];
  for (let n = 0; n < 11; n++) heard.push((face.next(), face.track!));
  const places = CONTEXT_OF_12.tracks.map((_, place) => String(place));
  assert.deepEqual(heard, shuffled(places, 42, "5").map((place) => `t${place}`));
  assert.throws(() => face.next(), NotFound);
  face.setRepeat("all");
  face.next();
  assert.equal(face.track, "t5");
});

test("shuffle set in the middle begins with what sounds", async () => {
  const face = await faceOf();
  face.play("t0", { context: CONTEXT_OF_12 });
  face.next();
  face.setShuffle(true, { seed: 7 });
  const heard = [face.track!];
  for (let n = 0; n < 11; n++) heard.push((face.next(), face.track!));
  const places = CONTEXT_OF_12.tracks.map((_, place) => String(place));
  assert.deepEqual(heard, shuffled(places, 7, "1").map((place) => `t${place}`));
});

test("a track added to a playlist is played in its place", async () => {
  const face = await faceOf();
  const playlist = face.createPlaylist("mine");
  playlist.add("a", "c");
  face.play(playlist.items[0]!, { context: playlist.context });
  playlist.insert(1, "b");
  face.next();
  assert.equal(face.track, "b");
});

test("when what sounds is removed from its playlist, next goes on from its place", async () => {
  const face = await faceOf();
  const playlist = face.createPlaylist("mine");
  playlist.add("a", "b", "c", "d");
  face.play(playlist.items[1]!, { context: playlist.context });
  playlist.remove(playlist.items[1]!.id, playlist.items[2]!.id);
  face.next();
  assert.equal(face.track, "d");
});

test("a context of the app's own is asked first", async () => {
  const album = [{ id: "1", track: "x" }, { id: "2", track: "y" }];
  const face = await faceOf(undefined, { contexts: (context) => (context === "album 7" ? album : null) });
  face.play("x", { context: "album 7" });
  face.next();
  assert.equal(face.track, "y");
  face.play("a", { context: ABC });
  face.next();
  assert.equal(face.track, "b");
});

test("previous goes to the start first and then back", async () => {
  const { face, clock } = await timed();
  face.play("a", { context: ABC });
  face.next();
  clock.passMs(10_000);
  face.previous();
  assert.deepEqual([face.track, face.playback?.position_ms], ["b", 0]);
  face.previous();
  assert.equal(face.track, "a");
  face.previous();
  assert.equal(face.track, "a");
});

test("previous after an entry of the queue returns to the context", async () => {
  const face = await faceOf();
  face.play("b", { context: ABC });
  face.queue.add("q");
  face.next();
  face.previous();
  assert.deepEqual([face.track, face.queue.length], ["b", 0]);
});

test("play next goes behind the entry that sounds", async () => {
  const face = await faceOf();
  face.queue.add("q1", "q2");
  face.queue.playNext("first");
  assert.equal(face.queued, "first q1 q2");
  face.play(face.queue.items[1]!);
  assert.equal(face.queued, "first q2");
  face.queue.playNext("now");
  assert.equal(face.queued, "first now q2");
});

// --- who plays ---

test("a start follows the head that shows", async () => {
  const face = await faceOf();
  const [first] = face.play("a").events;
  const [second] = face.play("b").events;
  assert.deepEqual(second?.event.data["follows"], [first?.id]);
});

test("what has no track cannot be played", async () => {
  const face = await faceOf();
  assert.throws(() => face.play({ id: "x" } as never), InvalidEvent);
  assert.equal(face.owed, 0);
});

test("a transfer goes on at the same place", async () => {
  const { face, clock } = await timed();
  face.play("a", { context: ABC });
  face.setSpeed(1_500);
  clock.passMs(10_000);
  face.transfer("speaker");
  const { device, item, position_ms, speed_permille, context } = face.playback!;
  assert.deepEqual([device, item.track, position_ms, speed_permille, context], ["speaker", "a", 15_000, 1_500, ABC]);
});

const COMMANDS: Readonly<Record<string, (face: OpenFace) => unknown>> = {
  pause: (face) => face.pause(),
  resume: (face) => face.resume(),
  seek: (face) => face.seek(1),
  setSpeed: (face) => face.setSpeed(1_000),
  next: (face) => face.next(),
  previous: (face) => face.previous(),
  setVolume: (face) => face.setVolume(5),
};

for (const [name, command] of Object.entries(COMMANDS)) {
  test(`${name} for another device expires, and for this one does not`, async () => {
    const face = await faceOf();
    face.play("a", { context: ABC });
    command(face);
    assert.equal(face.last.pending.valid_ms, null);
    face.transfer("speaker");
    assert.equal(face.last.pending.valid_ms, CONTROL_VALID_MS);
    command(face);
    assert.equal(face.last.pending.valid_ms, CONTROL_VALID_MS);
  });
}

test("without a session there is nothing to command", async () => {
  const face = await faceOf();
  assert.throws(() => face.pause(), { name: "NotFound", message: /nothing was ever played/ });
  assert.equal(face.owed, 0);
});

// --- detached sessions ---

test("what is started without a connection is this device's own", async () => {
  const face = await faceOf(undefined, { connected: false });
  startElsewhere(face, START_MS - 60_000);
  face.play("offline");
  assert.deepEqual([face.track, face.playback?.detached], ["offline", true]);
  assert.equal(face.player.live?.item.track, "a");
  assert.ok(face.player.offersPlayHere);
});

test("it becomes the account's session by itself when nothing else plays", async () => {
  const state = await identified();
  (await faceOf(state, { connected: false })).play("offline", { context: ABC });
  const face = await faceOf(state);
  assert.notEqual(adoptIfFree(face.player), null);
  assert.deepEqual([face.track, face.playback?.detached, face.playback?.device], ["offline", false, DEVICE]);
  assert.equal(adoptIfFree(face.player), null);
});

test("it stays its own while another device plays, and is adopted on demand with all it has heard", async () => {
  const state = await identified();
  const offline = await faceOf(state, { connected: false });
  offline.queue.add("q1", "q2");
  const live = startElsewhere(offline, START_MS - 60_000);
  offline.play(offline.queue.items[0]!);
  const own = offline.last.id;
  const face = await faceOf(state);
  assert.equal(adoptIfFree(face.player), null);
  assert.ok(face.player.offersPlayHere);
  face.playHere();
  assert.deepEqual(new Set(face.last.event.data["follows"] as string[]), new Set([live, own]));
  assert.equal(face.queued, "q2");
  assert.equal(face.player.offersPlayHere, false);
});

test("a detached session can be left, in every tab, and whoever shows it is told", async () => {
  const store = new MemoryStore("shared");
  const face = await faceOf(await identified(store), { connected: false });
  startElsewhere(face, START_MS - 60_000);
  face.queue.add("q1");
  face.play(face.queue.items[0]!);
  assert.equal(face.queue.length, 0);
  await face.state.flush();
  const other = await faceOf(await identified(store), { connected: false });
  assert.equal(other.queue.length, 0);
  let drawn = 0;
  for (const each of [face, other]) each.queue.subscribe(() => (drawn += 1));
  await face.player.leaveDetached();
  await other.state.readLedger();
  for (const each of [face, other]) assert.deepEqual([each.track, each.queued], ["a", "q1"]);
  assert.equal(drawn, 2);
});

// --- commands that met a fence ---

type Met = { readonly face: OpenFace; readonly again: readonly { kind: string; data: { [key: string]: Json } }[] };

/** A command, and then the news that another device had started something shortly before. What is made again. */
async function fenced(command: keyof typeof COMMANDS, start: Partial<PlaybackStarted> & { readonly agoMs?: number } = {}): Promise<Met> {
  const { agoMs = 500, ...more } = start;
  const { face, clock } = await timed();
  face.play("a", { context: ABC });
  const play = face.last.id;
  if (command === "resume") face.pause();
  clock.passMs(5_000);
  COMMANDS[command]!(face);
  const before = face.owed;
  startElsewhere(face, clock.wall - agoMs, { follows: [play], ...more });
  face.checkFenced();
  const again = [...face.state.outbox].slice(before).map(({ event: { kind, data } }) => ({ kind, data: { ...data } }));
  return { face, again };
}
const OTHER_ITEM = { item: { from: "context", id: "7", track: "other" } } as const;

test("a pause that met a transfer is made again for the new session", async () => {
  const { face, again } = await fenced("pause");
  assert.deepEqual(again, [{ kind: "playback.paused", data: { epoch: "otherwrite.1" } }]);
  assert.equal(face.playback?.playing, false);
});

test("a pause pressed long after the fence is not", async () => {
  assert.deepEqual((await fenced("pause", { agoMs: 2_500 })).again, []);
});

test("a seek and a skip are made again only for the same item", async () => {
  assert.deepEqual((await fenced("seek")).again.map(({ data }) => data["play"]), ["otherwrite.1"]);
  assert.deepEqual((await fenced("seek", OTHER_ITEM)).again, []);
  assert.deepEqual((await fenced("next")).again.map(({ data }) => (data["item"] as { track: string }).track), ["b"]);
  assert.deepEqual((await fenced("next", OTHER_ITEM)).again, []);
});

test("a resume is not made again where it plays already", async () => {
  assert.deepEqual((await fenced("resume")).again, []);
  assert.deepEqual((await fenced("resume", { playing: false })).again.map(({ kind }) => kind), ["playback.resumed"]);
});

test("a command is made again once", async () => {
  const { face, again } = await fenced("setSpeed", { speed_permille: 500 });
  assert.equal(again.length, 1);
  const { owed } = face;
  startElsewhere(face, START_MS + 4_800, { follows: [] });
  face.checkFenced();
  assert.equal(face.owed, owed);
});
