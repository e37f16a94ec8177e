import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { canonical, compareText, utf8Bytes, type Json, type JsonObject } from "../../src/model/canonical.js";
import { digest, fold, join, merge, type Cell, type Cells } from "../../src/model/cells.js";
import { keyPart, fromKeyPart } from "../../src/model/ids.js";
import { lower } from "../../src/model/lowering/lowering.js";
import type { Event } from "../../src/model/events.js";
import { restamp, type Pending, type Reconnect } from "../../src/model/restamp.js";
import { murmur3, shuffled, upcoming } from "../../src/model/shuffle.js";
import { admittedT, digits, fromDigits, HybridClock, isExpired, ms, pack, stamp } from "../../src/model/stamp.js";
import { EVENT_SHAPE_OF } from "../../src/schemas/events.js";
import { casesOf, cellsOf, plain, REPOSITORY } from "../vectors.js";

type WireCell = readonly [string, Json];
const cellOf = ([rank, value]: WireCell): Cell => ({ rank, value });

test("every file of vectors is read", () => {
  const files = readdirSync(new URL("schemas/vectors/", REPOSITORY)).map((name) => name.replace(".json", ""));
  const rules = ["canonical", "digest", "join", "lowering", "messages", "restamp", "shuffle", "stamps"];
  assert.deepEqual(files.sort(), [...rules, "views_listener", "views_lists", "views_playback"]);
});

for (const { name, input, expected } of casesOf<Json, { text: string; utf8: string }>("canonical")) {
  test(`canonical: ${name}`, () => {
    assert.equal(canonical(input), expected.text);
    assert.equal(Buffer.from(canonical(input)).toString("hex"), expected.utf8);
    assert.equal(utf8Bytes(expected.text) * 2, expected.utf8.length);
    assert.deepEqual(JSON.parse(expected.text), input);
  });
}

test("texts are ordered as their UTF-8 bytes are", () => {
  const texts = ["", "a", "a\u0000", "é", "\u{ffff}", "\u{10000}", "\u{1f600}", "\u{e000}", "ab", "b"];
  const asBytes = [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual([...texts].sort(compareText), asBytes);
});

for (const { name, input, expected } of casesOf<{ a: WireCell; b: WireCell }, WireCell>("join")) {
  test(`join: ${name}`, () => {
    const [a, b, larger] = [cellOf(input.a), cellOf(input.b), cellOf(expected)];
    assert.deepEqual(join(a, b), larger);
    assert.deepEqual(join(b, a), larger);
    assert.deepEqual(merge(new Map([["k", a]]), new Map([["k", b]])), new Map([["k", larger]]));
  });
}

type DigestInput = {
  cells?: { [key: string]: WireCell };
  writes: readonly (readonly [string, string, Json])[];
  permutations: readonly (readonly number[])[];
};
type DigestExpected = { digest: string; cells: { [key: string]: WireCell } };

for (const { name, input, expected } of casesOf<DigestInput, DigestExpected>("digest")) {
  test(`digest: ${name}`, () => {
    if (input.cells !== undefined) {
      assert.equal(digest(cellsOf(input.cells)), expected.digest);
      return;
    }
    const writes = input.writes.map(([key, rank, value]): [string, Cell] => [key, { rank, value }]);
    for (const order of input.permutations) {
      const cells: Cells = new Map();
      fold(cells, order.map((index) => writes[index]!));
      assert.deepEqual(cells, cellsOf(expected.cells));
      assert.equal(digest(cells), expected.digest);
    }
  });
}

for (const { name, input, expected } of casesOf<Event, { [key: string]: WireCell }>("lowering")) {
  test(`lowering: ${name}`, () => assert.deepEqual(lower(input), cellsOf(expected)));
}

test("every kind is lowered by some vector", () => {
  const lowered = new Set(casesOf<Event>("lowering").map(({ input }) => input.kind));
  assert.deepEqual(Object.keys(EVENT_SHAPE_OF).filter((kind) => !lowered.has(kind)), []);
});

type Question = { readonly op: string } & Given;
/** What a question gives, by name; each operation knows what its own are. */
type Given = { readonly [name: string]: never };

function answer(question: { readonly op: string }): unknown {
  const given = question as Question;
  const { op } = question;
  switch (op) {
    case "digits":
      assert.equal(fromDigits(digits(given["n"]!)), given["n"]);
      return digits(given["n"]!);
    case "pack":
      return pack(given["ms"]!, given["counter"]);
    case "ms":
      return ms(given["t"]!);
    case "stamp":
      return stamp(given["t"]!, given["writer"]!);
    case "clock":
      return lastsOf(given["readings"]!);
    case "admitted_t":
      return admittedT(given["t"]!, { now_ms: given["now_ms"]!, ahead_ms_max: given["ahead_ms_max"]!, last_t: given["last_t"]! });
    case "is_expired":
      return isExpired(given["t"]!, { valid_ms: given["valid_ms"]!, now_ms: given["now_ms"]! });
    case "key_part":
      assert.equal(fromKeyPart(keyPart(given["text"]!)), given["text"]);
      return keyPart(given["text"]!);
    case "hash":
      return murmur3(given["text"]!, given["seed"]!);
    case "order":
      return shuffled(given["ids"]!, given["seed"]!, given["current"] ?? null);
    case "upcoming":
      return upcoming(given["ids"]!, given["seed"]!, given["current"]!, given["first"]!);
    default:
      throw new Error(`unknown question ${op}`);
  }
}

function lastsOf(readings: readonly { tick?: number; receive?: number }[]): number[] {
  const clock = new HybridClock();
  return readings.map(({ tick, receive }) => {
    if (tick !== undefined) assert.equal(clock.tick(tick), clock.last);
    if (receive !== undefined) clock.receive(receive);
    return clock.last;
  });
}

for (const file of ["stamps", "shuffle"]) {
  for (const { name, input, expected } of casesOf<{ readonly op: string }>(file)) {
    test(`${file}: ${name}`, () => assert.deepEqual(answer(input), expected));
  }
}

type Restamped = { pending: readonly Pending[]; now: Reconnect; writer: string };

for (const { name, input, expected } of casesOf<Restamped, readonly { t: number; data: JsonObject }[]>("restamp")) {
  test(`restamp: ${name}`, () => {
    const found = restamp(input.pending, input.now, input.writer).map(({ t, data }) => ({ t, data }));
    assert.deepEqual(found.map(({ t }) => t), expected.map(({ t }) => t));
    // What an event did not give stays out here, and stands with its default in the file.
    for (const [index, { data }] of found.entries()) {
      assert.deepEqual({ ...(plain(expected[index]!.data) as object), ...data }, expected[index]!.data);
    }
  });
}
