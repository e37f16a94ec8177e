// A fresh writer changes every name and nothing that a listener sees. As tests/unit/client/test_renumber.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Done } from "../../src/client/done.js";
import { LocalState } from "../../src/client/local_state.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import { renumbered } from "../../src/client/renaming.js";
import type { OutboxRow } from "../../src/client/store_rows.js";
import { NotFound } from "../../src/errors.js";
import type { JsonObject } from "../../src/model/canonical.js";
import type { DataOf, Kind } from "../../src/model/events.js";
import { eventId } from "../../src/model/ids.js";
import { references } from "../../src/model/references.js";
import { stamp } from "../../src/model/stamp.js";
import { casesOf, plain } from "../vectors.js";
import { DEVICE, login, ManualDeviceClock, PLAYLIST } from "./desk.js";
import { faceOf, type OpenFace } from "./faces.js";

const OLD = { writer: "oldwriter0", device: "d-old" };
const NEW = login("newwriter0", { device: "d-new" });

/** An own event; its time is its seq. */
function pending<K extends Kind>(seq: number, kind: K, data: DataOf<K>, stream = "a:me"): OutboxRow {
  return {
    n: seq, stream, seq, t: seq, kind, data, sent: false, seen_t: 0, wall_ms: 0, monotonic_ms: 0, boot: "b", valid_ms: null,
  }; // prettier-ignore
}

/** The data of events under the new writer. */
function rewritten(...rows: readonly OutboxRow[]): JsonObject[] {
  return renumbered(rows, OLD, NEW).map(({ data }) => data);
}

function insertion(parent: string | null = null, list: "queue" | "items" = "queue"): DataOf<"list.inserted"> {
  return { list, parent, side: "R", items: [{ track: "t" }] };
}

test("seqs are counted from 1 on each stream, whatever is missing, and times stay", () => {
  const like = { set: "tracks", ids: ["t"], value: true };
  const rows = [
    pending(4, "library.changed", like),
    pending(2, "playlist.described", { name: "n" }, PLAYLIST),
    pending(7, "library.changed", like),
  ];
  const renamed = renumbered(rows, OLD, NEW);
  assert.deepEqual(renamed.map(({ stream, seq, t, n }) => [stream, seq, t, n]), [["a:me", 1, 4, 4], [PLAYLIST, 1, 2, 2], ["a:me", 2, 7, 7]]);
});

test("slots and items of pending events are renamed, and those of acknowledged ones stay", () => {
  const [inserted, moved, removed, back] = rewritten(
    pending(4, "list.inserted", insertion("oldwriter0.3.0")),
    pending(5, "list.moved", {
      list: "queue", parent: "oldwriter0.4.0", side: "L", ids: ["oldwriter0.4.0", "oldwriter0.3.1", "another000.4.0"],
    }), // prettier-ignore
    pending(6, "list.removed", { list: "queue", ids: ["oldwriter0.5.0"] }),
    pending(7, "list.moved_back", { list: "queue", item: "oldwriter0.4.0", slot: "oldwriter0.5.0" }),
  );
  assert.equal(inserted?.["parent"], "oldwriter0.3.0");
  assert.equal(moved?.["parent"], "newwriter0.1.0");
  assert.deepEqual(moved?.["ids"], ["newwriter0.1.0", "oldwriter0.3.1", "another000.4.0"]);
  assert.deepEqual(removed?.["ids"], ["newwriter0.2.0"]);
  assert.deepEqual([back?.["item"], back?.["slot"]], ["newwriter0.1.0", "newwriter0.2.0"]);
});

test("what a clear has seen is parted between the writers", () => {
  const clear = (seq: number, seen: { [writer: string]: number }): OutboxRow => pending(seq, "list.cleared", { list: "queue", seen });
  const both = rewritten(pending(4, "list.inserted", insertion()), clear(5, { oldwriter0: 4, another000: 9 }));
  assert.deepEqual(both[1]?.["seen"], { oldwriter0: 3, newwriter0: 1, another000: 9 });
  assert.deepEqual(rewritten(clear(5, { oldwriter0: 4 }))[0]?.["seen"], { oldwriter0: 4 });
  const all = rewritten(pending(1, "list.inserted", insertion()), clear(2, { oldwriter0: 1 }));
  assert.deepEqual(all[1]?.["seen"], { newwriter0: 1 });
});

test("plays, epochs and stamps are renamed", () => {
  const item = { from: "context", id: "x", track: "x" } as const;
  const start = { device: "d-old", item, follows: ["oldwriter0.2"], position_ms: 0, playing: true, speed_permille: 1_000 };
  const data = rewritten(
    pending(3, "playback.started", start),
    pending(4, "playback.advanced", { epoch: "oldwriter0.3", generation: 1, follows: ["oldwriter0.3"], item }),
    pending(5, "playback.resumed", { epoch: "oldwriter0.3", play: "oldwriter0.4", position_ms: 1 }),
    pending(6, "playback.reported", {
      play: "oldwriter0.4", position_ms: 1, buffering: false, answers: [stamp(4, "oldwriter0"), stamp(4, "another000")],
    }), // prettier-ignore
    pending(7, "progress.listened", { episode: "e", position_ms: 1, through: stamp(6, "oldwriter0") }),
    pending(8, "history.played", { play: "oldwriter0.4", track: "x", started_ms: 0, listened_ms: 5 }),
  );
  assert.deepEqual([data[0]?.["device"], data[0]?.["follows"]], ["d-new", ["oldwriter0.2"]]);
  assert.deepEqual([data[1]?.["epoch"], data[1]?.["follows"]], ["newwriter0.1", ["newwriter0.1"]]);
  assert.deepEqual([data[2]?.["epoch"], data[2]?.["play"]], ["newwriter0.1", "newwriter0.2"]);
  assert.deepEqual(data[3]?.["answers"], [stamp(4, "newwriter0"), stamp(4, "another000")]);
  assert.equal(data[4]?.["through"], stamp(6, "newwriter0"));
  assert.equal(data[5]?.["play"], "newwriter0.2");
});

test("what plays is looked up in the stream it comes from: seqs of two streams may be the same", () => {
  const play = (seq: number, from: "queue" | "context", id: string): OutboxRow =>
    pending(seq, "playback.started", {
      device: "d-old", follows: [], position_ms: 0, playing: true, speed_permille: 1_000, item: { from, id, track: "t" },
    }); // prettier-ignore
  const data = rewritten(
    pending(6, "list.inserted", insertion()),
    pending(5, "list.inserted", insertion(null, "items"), PLAYLIST),
    pending(6, "list.inserted", insertion(null, "items"), PLAYLIST),
    play(7, "queue", "oldwriter0.6.0"),
    play(8, "context", "oldwriter0.6.0"),
    play(9, "context", "a track"),
  );
  const ids = data.slice(3).map((each) => (each["item"] as { id: string }).id);
  assert.deepEqual(ids, ["newwriter0.1.0", "newwriter0.2.0", "a track"]);
});

test("device-scoped settings and devices are renamed", () => {
  const data = rewritten(
    pending(1, "settings.changed", { "d-old/volume": 1, "d-older/volume": 2, "d-old": 3 }),
    pending(2, "device.volume_changed", { device: "d-old", volume_permille: 5 }),
    pending(3, "device.described", { device: "d-2", name: "n" }),
  );
  assert.deepEqual(data[0], { "d-new/volume": 1, "d-older/volume": 2, "d-old": 3 });
  assert.deepEqual(data.slice(1).map((each) => each["device"]), ["d-new", "d-2"]);
});

type Sample = { readonly kind: Kind; readonly data: JsonObject; readonly stream: string };

test("whatever an event cannot do without is renamed in it", () => {
  // Two tables say where names stand in events, one to read them and one to rewrite them: they must agree.
  let checked = 0;
  for (const { input } of casesOf<Sample>("lowering")) {
    const named = [...references(input.kind, input.data)];
    for (const writer of new Set(named.map((name) => name.split(".")[0]!))) {
      const seqs = named.filter((name) => name.startsWith(`${writer}.`)).map((name) => Number(name.split(".")[1])).sort((a, b) => a - b);
      const stream = input.stream.startsWith("a:") ? "a:me" : input.stream;
      const first = seqs.map((seq) => pending(seq, "list.inserted", insertion(), stream));
      const last = pending(10_000, input.kind, input.data as never, stream);
      const renamed = renumbered([...first, last], { writer, device: "d-old" }, NEW).at(-1)!;
      const names = new Map(seqs.map((seq, index) => [eventId(writer, seq), eventId(NEW.writer, index + 1)]));
      assert.deepEqual(references(input.kind, renamed.data), new Set(named.map((name) => names.get(name) ?? name)), input.kind);
      checked++;
    }
  }
  assert.ok(checked >= 10, `only ${checked} vectors name an event`);
});

/** Things a listener may do; `n` picks what they are done to. */
const STEPS: Readonly<Record<string, (face: OpenFace, n: number) => Done | null>> = {
  add: (face, n) => face.queue.add(...Array.from({ length: 1 + (n % 3) }, (_, k) => `${n}-${k}`)),
  insert: (face, n) => face.queue.insert(n % (face.queue.length + 1), `${n}-i`),
  remove: (face, n) => withEntry(face, n, (id) => face.queue.remove(id)),
  move: (face, n) => withEntry(face, n, (id) => face.queue.move(id, { to: Math.floor(n / 7) % face.queue.length })),
  clear: (face, n) => (n % 5 === 0 ? face.queue.clear() : null),
  play: (face) => face.play("c1", { context: { tracks: ["c0", "c1", "c2"] } }),
  "play entry": (face, n) => withEntry(face, n, (_, index) => face.play(face.queue.items[index]!)),
  next: (face) => face.next(),
  previous: (face) => face.previous(),
  pause: (face) => face.pause(),
  resume: (face) => face.resume(),
  seek: (face, n) => face.seek(n * 1_000),
  volume: (face, n) => face.setVolume(n, { device: face.deviceId }),
  listened: (face, n) => face.progress.listened("e", n * 1_000),
  unplayed: (face) => face.progress.markPlayed("e", { played: false }),
  playlist: (face, n) => face.playlist(PLAYLIST).add(`${n}`),
  setting: (face, n) => face.settings.set(`${face.deviceId}/key`, n),
};

function withEntry(face: OpenFace, n: number, act: (id: string, index: number) => Done): Done | null {
  const index = n % Math.max(1, face.queue.length);
  const entry = face.queue.items[index];
  return entry === undefined ? null : act(entry.id, index);
}

/** All views, without names. */
function seenByAListener(face: OpenFace): unknown {
  const { playback } = face;
  const playing = playback && [playback.item.track, playback.item.from, playback.generation, playback.playing, playback.detached];
  const settings = [...face.settings.all.keys()].map((key) => key.split("/")[1]);
  const volumes = face.devices.map(({ volume_permille }) => volume_permille);
  const isHere = playback?.device === face.deviceId;
  return plain([face.queue.tracks, face.playlist(PLAYLIST).tracks, playing, isHere, playback?.position_ms, face.progress.all, settings, volumes]);
}

test("a listener sees no difference", async () => {
  const step = fc.tuple(fc.constantFrom("undo", ...Object.keys(STEPS)), fc.nat({ max: 60 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: "max" }), fc.nat({ max: 10_000 }), async (steps, pauseMs) => {
      const clock = new ManualDeviceClock();
      const state = await LocalState.open(new MemoryStore(), clock);
      const face = await faceOf(state, { connected: false });
      const done: Done[] = [];
      for (const [what, n, isStored] of steps) {
        clock.passMs(pauseMs);
        try {
          const last = what === "undo" ? (done.pop()?.undo?.() ?? null) : STEPS[what]!(face, n);
          if (last !== null) done.push(last);
        } catch (error) {
          if (!(error instanceof NotFound)) throw error; // nothing plays, or nothing is left to go on with
        }
        if (isStored) await state.stored();
      }
      const { writer, device } = state.header;
      const before = seenByAListener(face);
      await state.identify(login());
      assert.deepEqual(seenByAListener(face), before);
      const events = Array.from(state.outbox, ({ event }) => event);
      const told = JSON.stringify([events, [...face.cells()], [...face.cells(PLAYLIST)]]);
      assert.ok(!told.includes(writer) && !told.includes(device));
      assert.equal(face.deviceId, DEVICE);
    }),
    { numRuns: 60, includeErrorInReport: true },
  );
});
