// The device that makes the sound: what it plays, and what it tells the others. As tests/unit/client/test_renderer.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../src/client/memory_store.js";
import type { OwnEvent } from "../../src/client/own_event.js";
import { NO_STAMP } from "../../src/model/stamp.js";
import { identified, ManualDeviceClock } from "./desk.js";
import { faceOf, type OpenFace } from "./faces.js";

const MINUTE_MS = 60_000;

/** This device plays, and everybody knows. */
async function onAir(durationMs = 200_000): Promise<{ readonly face: OpenFace; readonly clock: ManualDeviceClock }> {
  const clock = new ManualDeviceClock();
  const face = await faceOf(await identified(new MemoryStore(), clock));
  face.play({ track: "a", duration_ms: durationMs }, { context: { tracks: ["a", "b"] } });
  await face.acknowledge();
  return { face, clock };
}

/** What a measurement makes it report. */
function report(face: OpenFace, positionMs: number, buffering = false): OwnEvent | null {
  return face.renderer.measured(positionMs, { buffering })?.events[0] ?? null;
}

test("only the device of the session is wanted", async () => {
  const { face } = await onAir();
  assert.equal(face.renderer.wanted?.item.track, "a");
  face.transfer("speaker");
  assert.equal(face.renderer.wanted, null);
  assert.equal(face.renderer.measured(0), null);
  assert.equal(face.renderer.ended(), null);
});

test("the first measurement after a command is reported and answers it", async () => {
  const { face } = await onAir();
  const answers = report(face, 0)?.event.data["answers"] as string[];
  const { play, epoch } = face.playback!;
  const shown = face.cells();
  assert.deepEqual(answers, [shown.get(`play_at/${play}`)?.rank, shown.get(`play_on/${epoch}`)?.rank]);
  assert.ok(!answers.includes(NO_STAMP));
  await face.acknowledge();
  assert.equal(report(face, 10), null);
  face.pause();
  assert.equal(report(face, 20), null, "the pause is pending: its stamp may still change");
  await face.acknowledge();
  assert.notEqual(report(face, 20), null);
});

test("buffering is reported when it begins and when it ends", async () => {
  const { face, clock } = await onAir();
  report(face, 0);
  await face.acknowledge();
  assert.notEqual(report(face, 0, true), null);
  await face.acknowledge();
  assert.equal(face.playback?.buffering, true);
  clock.passMs(4_000);
  assert.equal(report(face, 0, true), null);
  assert.notEqual(report(face, 0), null);
});

test("drift is reported beyond 300 ms", async () => {
  const { face, clock } = await onAir();
  report(face, 0);
  await face.acknowledge();
  clock.passMs(10_000);
  assert.equal(report(face, 9_700), null);
  assert.notEqual(report(face, 9_699), null);
  await face.acknowledge();
  assert.equal(face.playback?.position_ms, 9_699);
});

for (const [minutes, isReported] of [[9, false], [11, true]] as const) {
  test(`an item of ${minutes} minutes is ${isReported ? "" : "not "}reported every minute`, async () => {
    const { face, clock } = await onAir(minutes * MINUTE_MS);
    report(face, 0);
    await face.acknowledge();
    clock.passMs(MINUTE_MS);
    assert.equal(report(face, MINUTE_MS) !== null, isReported);
  });
}

test("at the end of an item the renderer advances", async () => {
  const { face } = await onAir();
  assert.equal(face.renderer.ended()?.events[0]?.event.data["automatic"], true);
  assert.equal(face.track, "b");
});
