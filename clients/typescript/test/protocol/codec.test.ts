import assert from "node:assert/strict";
import { test } from "node:test";
import { Unreadable } from "../../src/errors.js";
import { NESTING_MAX } from "../../src/limits.js";
import type { Json } from "../../src/model/canonical.js";
import { CODECS } from "../../src/protocol/codec.js";
import { nestsDeeper } from "../../src/protocol/depth.js";
import { decodeMsgpack, encodeMsgpack } from "../../src/protocol/msgpack.js";
import type { ClientMessage } from "../../src/schemas/messages.js";
import { casesOf } from "../vectors.js";

type Frames = { readonly from: "client" | "server"; readonly json: string; readonly msgpack: string };
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

for (const { name, input, expected } of casesOf<Frames>("messages")) {
  test(`messages: ${name}`, () => {
    assert.deepEqual(JSON.parse(input.json), expected);
    assert.deepEqual(decodeMsgpack(bytesOf(input.msgpack), NESTING_MAX), expected);
    const message = expected as unknown as ClientMessage;
    assert.deepEqual(JSON.parse(CODECS.json.encode(message) as string), expected);
    assert.deepEqual(decodeMsgpack(CODECS.msgpack.encode(message) as Uint8Array, NESTING_MAX), expected);
    if (input.from === "server") {
      assert.deepEqual(CODECS.json.decode(input.json), expected);
      assert.deepEqual(CODECS.msgpack.decode(bytesOf(input.msgpack)), expected);
    }
  });
}

const VALUES: readonly Json[] = [
  null, true, false, "", "café ☃ 🎵", "x".repeat(31), "x".repeat(32), "x".repeat(255), "x".repeat(256), "x".repeat(65_536),
  [], {}, Array(16).fill(1), Array(65_536).fill(null), Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, n])),
  JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as Json,
  ...[0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 3612405760024576].flatMap((n) => [n, -n - 1, -n]),
].filter((value) => typeof value !== "number" || Number.isSafeInteger(value)).map((value) => (value === 0 ? 0 : value));

test("MessagePack gives back every value it was given, times of 53 bits included", () => {
  for (const value of VALUES) assert.deepEqual(decodeMsgpack(encodeMsgpack(value), NESTING_MAX), value);
});

test("MessagePack reads negative numbers of every width", () => {
  const frames: [string, number][] = [["d0ff", -1], ["d18000", -32768], ["d280000000", -(2 ** 31)], ["d3ffffffff00000000", -(2 ** 32)]];
  for (const [hex, value] of frames) assert.equal(decodeMsgpack(bytesOf(hex), 1), value);
});

for (const [what, hex] of Object.entries({
  "an end too early": "92c0", "an array of billions": "ddffffffff", "a map of billions": "dfffffffff",
  "a text of billions": "dbffffffff", "bytes left over": "c0c0", "an integer of 64 bits": "cfffffffffffffffff",
  "a negative one": "d38000000000000000", "broken text": "a1ff", "half a surrogate pair": "a3eda080", "binary": "c40100",
  "an extension": "d40100", "a number as a key": "8101c0", "an array as a key": "8190c0", "what is never used": "c1",
  "nothing": "", "deep nesting": `${"91".repeat(NESTING_MAX + 1)}c0`,
})) {
  test(`MessagePack refuses ${what}`, () => assert.throws(() => decodeMsgpack(bytesOf(hex), NESTING_MAX), Unreadable));
}

test("MessagePack writes no number that is not whole and exact", () => {
  for (const n of [0.5, NaN, Infinity, 2 ** 53]) assert.throws(() => encodeMsgpack([n]), RangeError);
});

test("nesting is counted outside of texts", () => {
  assert.equal(nestsDeeper("[".repeat(3) + "]".repeat(3), 3), false);
  assert.equal(nestsDeeper("[".repeat(4) + "]".repeat(4), 3), true);
  assert.equal(nestsDeeper('["[[[[\\"[[[[", [1]]', 2), false);
  assert.equal(nestsDeeper("[],".repeat(1_000), 1), false);
});

test("what is no message is refused with a text that says where", () => {
  const { json, msgpack } = CODECS;
  const refused: [() => unknown, RegExp][] = [
    [() => json.decode("{"), /not json/],
    [() => json.decode("[1]"), /object with a type/],
    [() => json.decode('{"type": "pong", "sent_ms": -1, "now_ms": 1}'), /pong\.sent_ms is -1, must be 0 to/],
    [() => json.decode('{"type": "delta", "stream": "a:me"}'), /delta lacks cells/],
    [() => json.decode('{"type": "delta", "stream": "a:me", "cells": [["k", 1, 2]]}'), /cells\[0\]\[1\] is 1, must be a string/],
    [() => json.decode("[".repeat(40) + "]".repeat(40)), /deeper than 32/],
    [() => json.decode(new Uint8Array([0xc0])), /binary frame/],
    [() => msgpack.decode("{}"), /text frame/],
  ];
  for (const [decode, message] of refused) assert.throws(decode, (error) => error instanceof Unreadable && message.test(error.message));
});

test("messages and fields of a later version are passed over", () => {
  assert.equal(CODECS.json.decode('{"type": "confetti", "stream": "a:me"}'), null);
  assert.equal(CODECS.json.decode('{"type": "pong", "sent_ms": 1, "now_ms": 2, "mood": 0.5}')?.type, "pong");
});
