// The order of the playlists, as devices change it: with and without places, apart and at once, and back.
// The stories are those of tests/unit/client/test_move_playlist.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Done } from "../../src/client/done.js";
import { NotFound } from "../../src/errors.js";
import { START_MS } from "./desk.js";
import { faceOf, undo, type OpenFace } from "./faces.js";

async function library(names: string): Promise<OpenFace> {
  const face = await faceOf();
  for (const name of names) face.createPlaylist(name);
  return face;
}

const names = (face: OpenFace): string => face.playlists.map(({ name }) => name).join("");
const named = (face: OpenFace, name: string) => face.playlists.find((each) => each.name === name)!;
const move = (face: OpenFace, name: string, to: number): Done => face.movePlaylist(named(face, name), { to });

test("a move is that of a plain list, whichever playlists have places, and undo takes it back", async () => {
  for (const start of [[], ["b0"], ["e0", "c3"]]) {
    for (const name of "abcde") {
      for (const to of [0, 1, 2, 3, 4]) {
        const face = await library("abcde");
        for (const [first = "", index] of start) move(face, first, Number(index));
        const before = names(face);
        const done = move(face, name, to);
        const rest = before.replace(name, "");
        assert.equal(names(face), rest.slice(0, to) + name + rest.slice(to), `${name} of ${before} to ${to}`);
        undo(done);
        assert.equal(names(face), before, `undo of ${name} of ${before} to ${to}`);
        assert.equal(done.undo, null);
      }
    }
  }
});

test("deleted playlists do not count, and come back to their places", async () => {
  const face = await library("abcd");
  move(face, "d", 3);
  move(face, "c", 2);
  const gone = named(face, "b");
  gone.delete();
  move(face, "d", 1);
  assert.equal(names(face), "adc");
  gone.undelete();
  assert.equal(names(face), "adbc");
});

test("a playlist is named by id and by stream, and the order is told to who subscribed", async () => {
  const face = await library("abc");
  const told = new Promise<void>((resolve) => face.subscribePlaylists(resolve));
  face.movePlaylist(face.playlists[2]!.id, { to: 0 });
  face.movePlaylist(face.playlists[2]!.stream, { to: 0 });
  await told;
  assert.equal(names(face), "bca");
});

test("an index outside is refused with what is allowed, an unknown playlist by its id; nothing is made", async () => {
  const face = await library("abc");
  const { owed } = face;
  for (const to of [-1, 3, 0.5, Number.NaN]) {
    assert.throws(() => move(face, "a", to), new NotFound(`index ${to} is outside 0 to 2, the places of 3 playlists`));
  }
  const unknown = new NotFound("playlist 0123456789abcdef is not among the 3 playlists of the library");
  assert.throws(() => face.movePlaylist("0123456789abcdef", { to: 0 }), unknown);
  assert.deepEqual([face.owed, names(face)], [owed, "abc"]);
});

test("moves of two devices that did not hear each other both hold", async () => {
  const face = await library("abcd");
  const items = face.playlists.map(({ id }) => ({ playlist: id }));
  const run = face.hear("list.inserted", { list: "sidebar", side: "R", items }, { seq: 1, tMs: START_MS });
  move(face, "b", 2);
  assert.equal(names(face), "acbd");
  const before = { side: "L", parent: `${run}.0` } as const;
  face.hear("list.moved", { list: "sidebar", ids: [`${run}.3`], ...before }, { seq: 2, tMs: START_MS });
  assert.equal(names(face), "dacb");
});

test("later moves take all entries of a playlist that two devices placed", async () => {
  const face = await library("abc");
  const ids = face.playlists.map(({ id }) => id);
  const items = [...ids, ...ids].map((playlist) => ({ playlist }));
  face.emit("list.inserted", { list: "sidebar", side: "R", items });
  for (const [name, to, expected] of [["a", 2, "bca"], ["b", 1, "cba"], ["a", 0, "acb"]] as const) {
    move(face, name, to);
    assert.equal(names(face), expected);
  }
});
