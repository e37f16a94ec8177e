// What a device knows and owes: acks, refusals, names and times. The stories are those of tests/unit/client/test_local_state.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidEvent, LimitExceeded, OtherAccount, PositionLost, StoreBusy, WriterLost } from "../../src/errors.js";
import { ms, pack, stamp } from "../../src/model/stamp.js";
import { draft, type Draft } from "../../src/client/draft.js";
import { LocalState } from "../../src/client/local_state.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import {
  ack, ACCOUNT, delta, identified, like, login, ManualDeviceClock, saved, shownOf, START_MS, WRITER, written,
} from "./desk.js"; // prettier-ignore

/** A store that takes nothing while it is told so. */
class FullStore extends MemoryStore {
  isFull = false;

  override mint(mint: Parameters<MemoryStore["mint"]>[0]): ReturnType<MemoryStore["mint"]> {
    return this.isFull ? Promise.reject(new StoreBusy("the disk is full")) : super.mint(mint);
  }

  override save(...given: Parameters<MemoryStore["save"]>): Promise<void> {
    return this.isFull ? Promise.reject(new StoreBusy("the disk is full")) : super.save(...given);
  }
}

const owedIds = (state: LocalState): string[] => Array.from(state.outbox, ({ id }) => id);

// --- making events ---

test("an event shows at once, is owed, and is in the store a moment later", async () => {
  const store = new MemoryStore();
  const state = await identified(store);
  const event = state.make(like("t1"));
  assert.equal(shownOf(state).get("library/tracks/t1")?.value, true);
  assert.equal(state.replicas.own.confirmed.size, 0);
  assert.deepEqual(owedIds(state), [`${WRITER}.1`]);
  assert.equal(event.isSaved, false);
  await state.stored();
  assert.equal(event.isSaved, true);
  assert.deepEqual(owedIds(await LocalState.open(store, new ManualDeviceClock())), [event.id]);
});

test("nothing is owed to the server before the store has it", async () => {
  const state = await identified();
  const told: string[] = [];
  state.ears = { ...state.ears, owed: () => told.push(...Array.from(state.outbox, ({ id, isSaved }) => `${id} ${isSaved}`)) };
  state.make(like("t1"));
  state.make(like("t2"));
  assert.deepEqual(told, []);
  await state.stored();
  assert.deepEqual(told, [`${WRITER}.1 true`, `${WRITER}.2 true`]);
});

const UNFIT: readonly (readonly [Draft, new (...given: never[]) => Error])[] = [
  [draft("library.changed", { set: "tracks", ids: [], value: true }), InvalidEvent],
  [{ ...like("t1"), kind: "no.such.kind" }, InvalidEvent],
  [draft("settings.changed", { speed: 1.5 }), InvalidEvent],
  [draft("list.inserted", { list: "items", side: "R", items: [{ track: "t" }] }), InvalidEvent],
  [draft("settings.changed", { big: "x".repeat(70_000) }), LimitExceeded],
  [draft("settings.changed", { a: 1 }, { stream: "p:short" }), InvalidEvent],
];

for (const [unfit, error] of UNFIT) {
  test(`what the gateway would refuse is not made: ${JSON.stringify(unfit).slice(0, 80)}`, async () => {
    const state = await identified();
    assert.throws(() => state.make(unfit), error);
    assert.equal(state.outbox.size, 0);
    assert.equal(state.make(like("t1")).pending.seq, 1);
  });
}

test("times rise even when the wall clock falls", async () => {
  const clock = new ManualDeviceClock();
  const state = await identified(new MemoryStore(), clock);
  const first = state.make(like("t1"));
  clock.wall -= 3_600_000;
  assert.ok(state.make(like("t2")).event.t > first.event.t);
});

test("an event is later than everything its maker has seen", async () => {
  const state = await identified();
  const t = pack(START_MS + 400, 7);
  state.heard({ ...delta([], "c"), by: { account: ACCOUNT, device: "d2", kind: "settings.changed", event: "w.1", t } });
  assert.equal(state.make(like("t1")).event.t, t + 1);
});

test("what the store does not take is taken back, and told", async () => {
  const store = new FullStore();
  const state = await identified(store);
  const kept = state.make(like("t1"));
  await state.stored();
  store.isFull = true;
  const told: string[] = [];
  state.onUnsaved = ({ kind, reason }) => told.push(`${kind} ${reason}`);
  const lost = [state.make(like("t2")), state.make(like("t3"))];
  await state.stored();
  assert.deepEqual(told, ["library.changed store_busy", "library.changed store_busy"]);
  assert.deepEqual(lost.map(({ outcome }) => outcome), ["refused", "refused"]);
  assert.deepEqual([...shownOf(state).keys()], ["library/tracks/t1"]);
  store.isFull = false;
  assert.equal(state.make(like("t4")).id, `${WRITER}.2`);
  await state.stored();
  assert.deepEqual(owedIds(await LocalState.open(store, new ManualDeviceClock())), [kept.id, `${WRITER}.2`]);
});

// --- answers ---

test("an ack moves the event as admitted into confirmed", async () => {
  const state = await identified();
  const event = await saved(state, like("t1"));
  const t = event.event.t + 5_000;
  state.acked(ack(event, { t, cursor: "c2" }), false);
  const { confirmed, cursor } = state.replicas.own;
  assert.deepEqual(confirmed, new Map([["library/tracks/t1", { rank: stamp(t, WRITER), value: true }]]));
  assert.deepEqual(shownOf(state), confirmed);
  assert.equal(cursor, "c2");
  assert.equal(event.outcome, "admitted");
  assert.equal(state.outbox.size, 0);
});

test("an ack adopts a time that the gateway has clamped", async () => {
  const state = await identified();
  state.acked(ack(await saved(state, like("t1")), { t: pack(START_MS - 1_000) }), false);
  assert.equal(shownOf(state).get("library/tracks/t1")?.rank, stamp(pack(START_MS - 1_000), WRITER));
});

test("a seen ack drops the event without folding it", async () => {
  const state = await identified();
  state.acked(ack(await saved(state, like("t1")), { seen: true }), false);
  assert.equal(state.replicas.own.confirmed.size, 0);
  assert.equal(shownOf(state).size, 0);
  assert.equal(state.outbox.size, 0);
});

test("a number that another life of the store has used is no answer to this event", async () => {
  const state = await identified();
  const insertion = { list: "queue", side: "R", items: [{ track: "ours" }] } as const;
  const event = await saved(state, draft("list.inserted", insertion));
  const t = event.event.t - 5_000;
  const run = { parent: null, side: "R", t, writer: WRITER, items: [{ track: "theirs" }] };
  state.heard(delta([[`queue/run/${event.id}`, stamp(t, WRITER), run]], "c1"));
  assert.throws(() => state.acked(ack(event, { t, seen: true }), false), WriterLost);
  await state.identify(login("writer0002"));
  assert.deepEqual(owedIds(state), ["writer0002.1"]);
});

test("a seen event is known by its cells where admission has changed its time", async () => {
  const state = await identified();
  const event = await saved(state, like("t1"));
  const t = event.event.t + 5_000;
  state.heard(delta([written("library/tracks/t1", true, t, WRITER)], "c1"));
  assert.equal(state.acked(ack(event, { t, seen: true }), false), event);
  assert.equal(state.outbox.size, 0);
});

test("an ack during a snapshot moves no cursor", async () => {
  const state = await identified();
  state.acked(ack(await saved(state, like("t1")), { cursor: "too-early" }), true);
  assert.equal(state.replicas.own.cursor, null);
});

test("an ack of what is not pending asks for a snapshot", async () => {
  const state = await identified();
  state.heard(delta([], "c1"));
  const stray = { stream: "a:me", writer: WRITER, seq: 9, t: pack(START_MS) };
  assert.throws(() => state.acked(stray, false), PositionLost);
  assert.equal(state.replicas.own.cursor, null);
});

test("a second answer to one event changes nothing", async () => {
  const state = await identified();
  const event = await saved(state, like("t1"));
  state.acked(ack(event), false);
  assert.equal(state.acked(ack(event, { seen: true }), false), null);
  assert.ok(state.replicas.own.confirmed.has("library/tracks/t1"));
});

test("a refused event shows no more", async () => {
  const state = await identified();
  state.heard(delta([written("library/tracks/t1", false, 1)], "c"));
  const event = await saved(state, like("t1"));
  state.refused({ type: "nack", stream: "a:me", seq: 1, reason: "limit", message: "too many" });
  assert.equal(shownOf(state).get("library/tracks/t1")?.value, false);
  assert.equal(event.outcome, "refused");
  assert.deepEqual(event.refusal, { reason: "limit", message: "too many" });
  assert.equal(state.outbox.size, 0);
});

test("a snapshot replaces confirmed cells and keeps pending events", async () => {
  const state = await identified();
  state.heard(delta([["settings/old", "r", 1]], "c1"));
  await saved(state, like("t1"));
  state.replaced({ type: "replaced", stream: "a:me", cells: new Map([["settings/new", { rank: "r", value: 2 }]]), cursor: "c2" });
  assert.deepEqual([...shownOf(state).keys()].sort(), ["library/tracks/t1", "settings/new"]);
  assert.equal(state.replicas.own.cursor, "c2");
});

test("an event never sent that names a stamp follows it when admission changes it", async () => {
  const store = new MemoryStore();
  const state = await identified(store);
  const marked = await saved(state, draft("progress.marked", { episode: "e1", played: false }));
  const through = stamp(marked.event.t, WRITER);
  const listened = await saved(state, draft("progress.listened", { episode: "e1", position_ms: 50_000, through }));
  const t = marked.event.t + 9_000;
  state.acked(ack(marked, { t }), false);
  await state.stored();
  assert.deepEqual(listened.event.data["through"], stamp(t, WRITER));
  assert.ok(listened.event.t > t);
  const [row] = (await store.ledger()).outbox;
  assert.deepEqual([row?.data["through"], row?.t], [stamp(t, WRITER), listened.event.t]);
});

// --- the store ---

test("cells, cursor and answered events reach the store together", async () => {
  const store = new MemoryStore();
  const state = await identified(store);
  const event = state.make(like("t1"));
  await state.stored();
  state.acked(ack(event, { cursor: "c2" }), false);
  const before = await store.load();
  assert.deepEqual([before.streams.get("a:me")?.cursor, before.outbox.length], [null, 1]);
  await state.flush();
  const after = await LocalState.open(store, new ManualDeviceClock());
  assert.equal(after.replicas.own.cursor, "c2");
  assert.deepEqual(after.replicas.own.confirmed, state.replicas.own.confirmed);
  assert.equal(after.outbox.size, 0);
  assert.equal(after.make(like("t2")).pending.seq, 2);
});

test("what could not be written is written later, under what came since", async () => {
  const store = new FullStore();
  const state = await identified(store);
  state.heard(delta([["settings/a", "r", 1], ["settings/b", "r", 1]], "c1"));
  store.isFull = true;
  const failing = state.flush();
  state.heard(delta([["settings/a", "s", 2]], "c2"));
  await assert.rejects(failing, StoreBusy);
  assert.ok(state.hasUnsaved);
  store.isFull = false;
  await state.flush();
  const { replicas } = await LocalState.open(store, new ManualDeviceClock());
  assert.deepEqual(replicas.own.confirmed, state.replicas.own.confirmed);
  assert.equal(replicas.own.cursor, "c2");
});

test("many rows are written without being asked", async () => {
  const store = new MemoryStore();
  const state = await identified(store);
  state.heard(delta(Array.from({ length: 2_500 }, (_, n) => [`settings/${n}`, "r", n]), "c1"));
  await state.stored();
  assert.equal(state.hasUnsaved, false);
  assert.equal((await store.load()).cells.get("a:me")?.size, 2_500);
});

test("a store is not used for another account", async () => {
  const state = await identified();
  state.checkAccount(ACCOUNT);
  assert.throws(() => state.checkAccount("another"), OtherAccount);
});

// --- names and times at reconnect ---

test("events never sent are restamped by the monotonic clock", async () => {
  const clock = new ManualDeviceClock(START_MS - 3_600_000);
  const state = await LocalState.open(new MemoryStore(), clock);
  const event = state.make(like("t1"));
  clock.passMs(60_000);
  state.time.measure(state.time.monotonicMs(), START_MS);
  await state.identify(login());
  assert.equal(ms(event.event.t), START_MS - 60_000);
});

test("after a reboot they are restamped by the wall clock and its offset", async () => {
  const clock = new ManualDeviceClock(START_MS - 3_600_000);
  const state = await LocalState.open(new MemoryStore(), clock);
  const event = state.make(like("t1"));
  clock.reboot(120_000);
  state.time.measure(state.time.monotonicMs(), START_MS);
  await state.identify(login());
  assert.equal(ms(event.event.t), START_MS - 120_000);
});

test("an event that was sent keeps its time", async () => {
  const clock = new ManualDeviceClock(START_MS - 3_600_000);
  const state = await LocalState.open(new MemoryStore(), clock);
  const [sent, unsent] = [state.make(like("t1")), state.make(like("t2"))];
  await state.markSent([sent]);
  const madeT = sent.event.t;
  assert.deepEqual([sent.pending.sent, unsent.pending.sent, state.header.sent_t], [true, false, madeT]);
  state.time.measure(state.time.monotonicMs(), START_MS);
  await state.identify(login());
  assert.equal(sent.event.t, madeT);
  assert.equal(ms(unsent.event.t), START_MS);
});

test("what leaves as soon as it is saved is saved as sent, in one transaction", async () => {
  const store = new MemoryStore();
  const state = await identified(store);
  const asked: number[] = [];
  state.leavesNow = (events) => asked.push(events.length) > 1;
  const [kept, leaving] = [await saved(state, like("t1")), await saved(state, like("t2"))];
  assert.deepEqual([kept.pending.sent, leaving.pending.sent, state.header.sent_t], [false, true, leaving.event.t]);
  const { header, outbox } = await store.ledger();
  assert.deepEqual([outbox.map(({ sent }) => sent), header.sent_t], [[false, true], leaving.event.t]);
  assert.deepEqual(asked, [1, 1]);
});

test("setting the wall clock by hand changes no time once the server was met, in the same boot", async () => {
  const clock = new ManualDeviceClock();
  const state = await identified(new MemoryStore(), clock);
  state.time.measure(state.time.monotonicMs(), START_MS);
  clock.wall += 86_400_000;
  assert.equal(ms(state.make(like("t1")).event.t), START_MS);
});

test("an answer that the machine has slept through measures nothing", async () => {
  const clock = new ManualDeviceClock();
  const state = await identified(new MemoryStore(), clock);
  state.time.measure(state.time.monotonicMs(), START_MS);
  const askedMs = state.time.monotonicMs();
  clock.wall += 3_600_000; // the monotonic clock of a page stands still meanwhile
  clock.boot = "after the sleep";
  clock.passMs(5);
  state.time.measure(askedMs, START_MS);
  assert.ok(state.time.isStale);
  assert.equal(state.time.nowMs(), START_MS + 3_600_005);
});

test("a fresh writer counts anew what is pending and renames everything that names it", async () => {
  const state = await LocalState.open(new MemoryStore(), new ManualDeviceClock());
  const first = state.make(draft("list.inserted", { list: "queue", side: "R", items: [{ track: "a" }] }));
  state.make(draft("list.inserted", { list: "queue", parent: `${first.id}.0`, side: "R", items: [{ track: "b" }] }));
  state.make(draft("settings.changed", { [`${state.header.device}/volume`]: 7 }));
  const { writer, device } = state.header;
  await state.identify(login());
  assert.deepEqual(owedIds(state), [1, 2, 3].map((seq) => `${WRITER}.${seq}`));
  const told = JSON.stringify([Array.from(state.outbox, ({ event }) => event), [...shownOf(state)]]);
  assert.ok(!told.includes(writer) && !told.includes(device));
  assert.equal(state.outbox.nowCalled("a:me", `${writer}.1.0`), `${WRITER}.1.0`);
});

test("another writer does not send again what a former life of the store has sent", async () => {
  const state = await identified();
  const insertion = (track: string): Draft => draft("list.inserted", { list: "queue", side: "R", items: [{ track }] });
  const [sent, fresh] = [state.make(insertion("a")), state.make(insertion("b"))];
  state.replaced({ type: "replaced", stream: "a:me", cells: new Map(sent.cells), cursor: "c1" });
  await state.identify(login("writer0002"));
  assert.equal(sent.outcome, "admitted");
  assert.deepEqual([owedIds(state), fresh.id], [["writer0002.1"], "writer0002.1"]);
});

test("an event made while the store is renamed is counted after those that are", async () => {
  const state = await LocalState.open(new MemoryStore(), new ManualDeviceClock());
  state.make(like("t1"));
  await state.stored();
  const renaming = state.identify(login());
  await Promise.resolve();
  const late = state.make(like("t2"));
  await renaming;
  await state.stored();
  assert.deepEqual(owedIds(state), [`${WRITER}.1`, `${WRITER}.2`]);
  assert.equal(late.isSaved, true);
  assert.deepEqual([...shownOf(state).values()].map(({ rank }) => rank.slice(11)), [WRITER, WRITER]);
});
