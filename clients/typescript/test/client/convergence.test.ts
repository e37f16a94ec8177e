// Whatever is done in whichever tab, in whatever order answers come, connections break and tabs are killed: in the end all
// hold the join of what was admitted, and show it; on the way each shows the join of what is confirmed and what is pending.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digest, fold, type Cells } from "../../src/model/cells.js";
import { lower } from "../../src/model/lowering/lowering.js";
import { listView } from "../../src/model/views/lists.js";
import { consumed } from "../../src/model/views/plays.js";
import { shownOf } from "./desk.js";
import type { OpenFace } from "./faces.js";
import { Device, Server } from "./household.js";

const ACTS = ["add", "insert", "remove", "move", "undo", "like", "setting", "play", "next", "clear"] as const;
const STEPS = ["send", "send", "receive", "receive", "receive", "break", "kill", "open", "wait", "both"] as const;
const NAMES = ["a", "b"];
const RUNS = 60;

type Step = { readonly what: (typeof ACTS)[number] | (typeof STEPS)[number]; readonly device: number; readonly n: number };
const steps = fc.array(
  fc.record<Step>({
    what: fc.constantFrom(...ACTS, ...STEPS),
    device: fc.nat({ max: NAMES.length - 1 }),
    n: fc.nat({ max: 20 }),
  }),
  { maxLength: 80, size: "max" },
);

/** One thing that a listener may do; `n` picks what it is done to. */
function act(face: OpenFace, what: Step["what"], n: number): void {
  const { items } = face.queue;
  const entry = items[n % Math.max(1, items.length)];
  if (what === "add") face.queue.add(`${n}`, `${n}'`);
  else if (what === "insert") face.queue.insert(n % (items.length + 1), `${n}i`);
  else if (what === "like") face.library.add("tracks", `${n % 4}`);
  else if (what === "setting") face.settings.set(`key ${n % 3}`, n);
  else if (what === "clear" && n % 4 === 0) face.queue.clear();
  else if (entry === undefined) return;
  else if (what === "remove") face.queue.remove(entry.id);
  else if (what === "move") face.queue.move(entry.id, { to: (n * 7) % items.length });
  else if (what === "undo") face.queue.move(entry.id, { to: 0 }).undo?.();
  else if (what === "play") face.play(entry);
  else if (what === "next" && face.playback !== null) face.next();
}

async function run(device: Device, { what, n }: Step): Promise<void> {
  if (what === "send") await device.send(1 + (n % 4), n);
  else if (what === "receive") await device.receive();
  else if (what === "break") await device.connect();
  else if (what === "kill") await device.kill();
  else if (what === "open" && device.tabs.length < 2) await device.open();
  else if (what === "wait") await device.owner.state.stored();
  else if (what === "both") for (const [index, face] of device.tabs.entries()) act(face, ACTS[(n + index) % ACTS.length]!, n);
  else act(device.tabs[n % device.tabs.length]!, what, n);
}

/** Law 5, and law 8: what shows is the join, and the list that is kept up to date is the list read anew. */
function assertShowsTheJoin(face: OpenFace): void {
  const joined: Cells = new Map(face.state.replicas.own.confirmed);
  for (const { event } of face.state.outbox) fold(joined, lower(event));
  assert.deepEqual(Object.fromEntries(shownOf(face.state)), Object.fromEntries(joined));
  assert.deepEqual(face.queue.items, listView(joined, "queue", consumed(joined, face.deviceId)));
}

test("devices and tabs converge on the join of what was admitted", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const server = new Server();
      const devices: Device[] = NAMES.map((name) => new Device(server, name, () => devices));
      for (const device of [...devices, ...devices]) await device.open();
      for (const step of plan) {
        const device = devices[step.device]!;
        await run(device, step);
        for (const face of device.tabs) assertShowsTheJoin(face);
      }
      for (let round = 0; round < 4; round++) for (const device of devices) await device.settle();
      const expected = digest(server.cells);
      for (const device of devices) {
        for (const face of device.tabs) {
          assert.equal(face.owed, 0);
          assert.equal(face.digest(), expected);
        }
        await device.kill();
        assert.equal(device.owner.digest(), expected, "and so does who opens the store next");
      }
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});
