// Both kinds of stores sit the same exam. Here IndexedDB is a library's; what a browser's does is shown in Chromium.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { IndexedDbStore } from "../../src/client/indexeddb_store.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import type { Store } from "../../src/client/store.js";
import { Unsaved, type Header, type OutboxRow } from "../../src/client/store_rows.js";
import { ConfigError, FencedOut, StoreBusy } from "../../src/errors.js";

type Open = () => Promise<Store>;
let made = 0;
/** Ways to open one store, again and again. */
const KINDS: Readonly<Record<string, () => Open>> = {
  memory: () => {
    const store = new MemoryStore("one");
    return async () => store;
  },
  IndexedDB: () => {
    const name = `store ${made++}`;
    return () => IndexedDbStore.open(name);
  },
};

function row(n: number, more: Partial<OutboxRow> = {}): OutboxRow {
  return {
    n, stream: "a:me", seq: n, t: 1_000 + n, kind: "settings.changed", data: { n }, sent: false, seen_t: 5,
    wall_ms: 7, monotonic_ms: 8, boot: "b", valid_ms: null, ...more,
  }; // prettier-ignore
}

function unsaved(change: (into: Unsaved) => void): Unsaved {
  const rows = new Unsaved();
  change(rows);
  return rows;
}

const CLOCKS = { seen_t: 0, sent_t: 0, wall_offset_ms: 0 };

for (const [kind, make] of Object.entries(KINDS)) {
  test(`${kind}: a new store has a writer of its own and nothing else`, async () => {
    const open = make();
    const { header, streams, cells, outbox } = await (await open()).load();
    assert.match(header.nonce, /^[0-9a-z]{16}$/);
    assert.match(header.writer, /^[0-9a-z]{10}$/);
    assert.match(header.device, /^new-[0-9a-z]{10}$/);
    assert.deepEqual([streams.size, cells.size, outbox], [0, 0, []]);
    assert.deepEqual((await (await open()).load()).header, header);
  });

  test(`${kind}: own events and their seqs are saved together, in order`, async () => {
    const open = make();
    const store = await open();
    const rows = [row(1), row(2, { stream: "p:0123456789abcdef", seq: 1, sent: true }), row(3, { seq: 2, valid_ms: 10 })];
    assert.equal(await store.mint({ generation: 0, after: 0, rows }), null);
    const { header, streams, outbox } = await (await open()).load();
    assert.deepEqual(outbox, rows);
    assert.deepEqual([header.last_n, header.clock_t, header.sent_t], [3, 1_003, 1_002]);
    assert.deepEqual(Object.fromEntries(streams), {
      "a:me": { cursor: null, last_seq: 2 },
      "p:0123456789abcdef": { cursor: null, last_seq: 1 },
    });
  });

  test(`${kind}: of two who take one number the second is told what it did not know`, async () => {
    const open = make();
    const [first, second] = [await open(), await open()];
    assert.equal(await first.mint({ generation: 0, after: 0, rows: [row(1, { data: { by: "first" } })] }), null);
    const ledger = await second.mint({ generation: 0, after: 0, rows: [row(1, { data: { by: "second" } })] });
    assert.deepEqual(ledger?.outbox.map(({ data }) => data), [{ by: "first" }]);
    assert.equal(ledger?.header.last_n, 1);
    assert.equal((await second.ledger()).outbox.length, 1);
  });

  test(`${kind}: who holds old names saves nothing under them`, async () => {
    const open = make();
    const [first, second] = [await open(), await open()];
    await first.mint({ generation: 0, after: 0, rows: [row(1)] });
    const renamed = await first.rename((header, outbox) => ({ header: { ...header, writer: "writer0002" }, outbox }), 0);
    assert.equal(renamed.header.generation, 1);
    const ledger = await second.mint({ generation: 0, after: 1, rows: [row(2)] });
    assert.deepEqual([ledger?.header.writer, ledger?.outbox.length], ["writer0002", 1]);
    assert.equal(await second.mint({ generation: 1, after: 1, rows: [row(2)] }), null);
  });

  test(`${kind}: another writer begins to count anew, with what is pending`, async () => {
    const open = make();
    const store = await open();
    await store.mint({ generation: 0, after: 0, rows: [row(1), row(2), row(3, { stream: "p:0123456789abcdef", seq: 1 })] });
    await store.save(unsaved(({ answered, cursors }) => (answered.add(1).add(3), cursors.set("a:me", "c1"))), CLOCKS, 0);
    const { streams, outbox } = await store.rename((header, rows) => ({
      header: { ...header, writer: "writer0002" },
      outbox: rows.map((each) => ({ ...each, seq: 1 })),
    }), 0); // prettier-ignore
    assert.deepEqual([outbox.length, outbox[0]?.n, outbox[0]?.seq], [1, 2, 1]);
    assert.deepEqual(streams.get("a:me"), { cursor: "c1", last_seq: 1 });
    assert.equal(streams.get("p:0123456789abcdef")?.last_seq, 0);
    assert.deepEqual(await (await open()).ledger(), await store.ledger());
  });

  test(`${kind}: a rename that changes nothing leaves names as they are`, async () => {
    const store = await make()();
    await store.mint({ generation: 0, after: 0, rows: [row(1)] });
    const known = await store.rename((header, outbox) => ({ header: { ...header, account: "9f3c" }, outbox }), 0);
    assert.deepEqual([known.header.generation, known.header.account], [0, "9f3c"]);
  });

  test(`${kind}: what is sent is remembered, and its time never falls`, async () => {
    const store = await make()();
    await store.mint({ generation: 0, after: 0, rows: [row(1), row(2)] });
    await store.markSent([1, 99], 1_001, 0);
    await store.markSent([], 900, 0);
    const { header, outbox } = await store.ledger();
    assert.deepEqual([header.sent_t, outbox.map(({ sent }) => sent)], [1_001, [true, false]]);
  });

  test(`${kind}: cells, cursor and answers are saved together; a snapshot takes the place of what was there`, async () => {
    const open = make();
    const store = await open();
    await store.mint({ generation: 0, after: 0, rows: [row(1)] });
    const [a, b] = [{ rank: "r1", value: { x: [1, null, "é"] } }, { rank: "r2", value: false }];
    const first = unsaved(({ cells, cursors, answered }) => {
      cells.set("a:me", new Map([["settings/a", a]])).set("p:0123456789abcdef", new Map([["playlist/name", b]]));
      cursors.set("a:me", "c1");
      answered.add(1);
    });
    await store.save(first, { seen_t: 40, sent_t: 30, wall_offset_ms: -5 }, 0);
    const second = unsaved(({ cells, cursors, replaced }) => {
      cells.set("a:me", new Map([["settings/b", b]]));
      replaced.add("a:me");
      cursors.set("a:me", null);
    });
    await store.save(second, CLOCKS, 0);
    const { header, streams, cells, outbox } = await (await open()).load();
    assert.deepEqual(cells, new Map([["a:me", new Map([["settings/b", b]])], ["p:0123456789abcdef", new Map([["playlist/name", b]])]]));
    assert.deepEqual([streams.get("a:me"), outbox], [{ cursor: null, last_seq: 1 }, []]);
    assert.deepEqual([header.seen_t, header.sent_t, header.wall_offset_ms], [40, 30, 0]);
  });

  test(`${kind}: what a caller holds of it is a copy`, async () => {
    const store = await make()();
    const { cells } = await store.load();
    (cells as Map<string, unknown>).set("a:me", new Map());
    assert.equal((await store.load()).cells.size, 0);
  });

  test(`${kind}: who led in an earlier term writes nothing of what the server said`, async () => {
    const open = make();
    const [first, second] = [await open(), await open()];
    await first.mint({ generation: 0, after: 0, rows: [row(1)] });
    const [old, now] = [await first.take(), await second.take()];
    assert.ok(now > old);
    const late = unsaved(({ cursors }) => cursors.set("a:me", "older"));
    await assert.rejects(first.save(late, CLOCKS, old), FencedOut);
    await assert.rejects(first.markSent([1], 1_001, old), FencedOut);
    await assert.rejects(first.rename((header, outbox) => ({ header: { ...header, account: "9f3c" }, outbox }), old), FencedOut);
    await second.save(unsaved(({ cursors }) => cursors.set("a:me", "newer")), CLOCKS, now);
    assert.equal(await first.mint({ generation: 0, after: 1, rows: [row(2)] }), null, "every tab may act");
    const { header, streams, outbox } = await second.ledger();
    assert.deepEqual([streams.get("a:me")?.cursor, header.account, header.sent_t], ["newer", null, 0]);
    assert.deepEqual(outbox.map(({ sent }) => sent), [false, false]);
  });

  test(`${kind}: the session that was left is remembered`, async () => {
    const open = make();
    await (await open()).leave("writer0001.4");
    assert.equal((await (await open()).load()).header.left_epoch, "writer0001.4");
  });
}

test("a transaction that cannot end well leaves nothing behind", async () => {
  const store = await KINDS["IndexedDB"]!()();
  const unfit = row(2, { data: { f: (() => 1) as never } });
  await assert.rejects(store.mint({ generation: 0, after: 0, rows: [row(1), unfit] }), StoreBusy);
  const { header, outbox } = await store.ledger();
  assert.deepEqual([header.last_n, outbox], [0, []]);
});

test("a mistake in a transform is no busy store, and leaves nothing behind", async () => {
  const store = await KINDS["IndexedDB"]!()();
  const mistaken = (): { header: Header; outbox: OutboxRow[] } => {
    throw new RangeError("my own mistake");
  };
  await assert.rejects(store.rename(mistaken, 0), { name: "RangeError", message: "my own mistake" });
  assert.equal((await store.ledger()).header.generation, 0);
});

test("a closed store takes nothing, and can be closed again", async () => {
  const store = await KINDS["IndexedDB"]!()();
  store.close();
  store.close();
  await assert.rejects(store.mint({ generation: 0, after: 0, rows: [row(1)] }), StoreBusy);
  await assert.rejects(store.load(), StoreBusy);
});

test("a database of a later format is told apart", async () => {
  await new Promise((resolve, reject) => {
    const later = indexedDB.open("from the future", 2);
    later.onsuccess = () => resolve(later.result.close());
    later.onerror = () => reject(later.error);
  });
  await assert.rejects(IndexedDbStore.open("from the future"), ConfigError);
});

test("a tab with a later program may change the format: the earlier one lets go", async () => {
  const store = await IndexedDbStore.open("upgraded");
  await new Promise((resolve, reject) => {
    const later = indexedDB.open("upgraded", 2);
    later.onsuccess = () => resolve(later.result.close());
    later.onerror = () => reject(later.error);
    later.onblocked = () => reject(new Error("blocked"));
  });
  await assert.rejects(store.load(), StoreBusy);
});

test("what could not be written goes under what came since", () => {
  const cell = (value: number): { rank: string; value: number } => ({ rank: "r", value });
  const earlier = unsaved(({ cells, cursors, answered }) => {
    cells.set("a:me", new Map([["a", cell(1)], ["b", cell(1)]])).set("p:one", new Map([["gone", cell(1)]]));
    cursors.set("a:me", "c1").set("p:one", "c1");
    answered.add(1);
  });
  const later = unsaved(({ cells, cursors, answered, replaced }) => {
    cells.set("a:me", new Map([["a", cell(2)]])).set("p:one", new Map([["new", cell(2)]]));
    replaced.add("p:one");
    cursors.set("a:me", "c2");
    answered.add(2);
  });
  earlier.putUnder(later);
  assert.deepEqual(earlier.cells, new Map([
    ["a:me", new Map([["a", cell(2)], ["b", cell(1)]])], ["p:one", new Map([["new", cell(2)]])],
  ])); // prettier-ignore
  assert.deepEqual([[...earlier.replaced], [...earlier.answered]], [["p:one"], [1, 2]]);
  assert.deepEqual(Object.fromEntries(earlier.cursors), { "a:me": "c2", "p:one": "c1" });
  assert.equal(earlier.size, 3 + 2 + 2);
});
