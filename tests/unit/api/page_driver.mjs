// Runs the page's modules without a page: one JSON question a line on stdin, one JSON answer a line on stdout.
// The first argument is the folder of the modules.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`));
const [account, activity, cells, context, controls, lists, { lower }, playback, { Session }, stamps, wire] = await Promise.all(
  ["account", "activity", "cells", "context", "controls", "lists", "lower", "playback", "session", "stamp", "wire"].map(load),
);

const asMap = (rows) => new Map(rows.map(([key, rank, value]) => [key, { rank, value }]));
const asRows = (map) => [...map].map(([key, { rank, value }]) => [key, rank, value]);
let session = null;

const ANSWERS = {
  canonical: ({ value }) => cells.canonical(value),
  join({ a, b }) {
    const joined = asMap([["k", ...a]]);
    cells.fold(joined, [["k", ...b]]);
    return asRows(joined)[0].slice(1);
  },
  keyPart: ({ text }) => [cells.keyPart(text), cells.fromKeyPart(cells.keyPart(text))],
  compare: ({ a, b }) => Math.sign(cells.compareText(a, b)),
  stamp: ({ t, writer }) => [stamps.stamp(t, writer), stamps.ms(t), stamps.stampTime(stamps.stamp(t, writer))],
  clock({ readings }) {
    const clock = new stamps.HybridClock();
    return readings.map((reading) => {
      if ("tick" in reading) return clock.tick(reading.tick);
      clock.receive(reading.receive);
      return clock.last;
    });
  },
  serverClock({ samples, at }) {
    const clock = new stamps.ServerClock();
    for (const sample of samples) clock.measure(...sample);
    return clock.at(at);
  },
  lower: ({ event, writer }) => lower(event, writer),
  list({ rows, list, consumed }) {
    const { entries, order } = lists.readList(asMap(rows), list, new Set(consumed));
    const items = entries.map(({ id, item }) => ({ id, item }));
    return { items, slots: order.slots, atEnd: order.placeAtEnd() };
  },
  placeAfterSlot: ({ rows, list, slot }) => lists.readList(asMap(rows), list).order.placeAfter(slot),
  placeAfterItem({ rows, list, item }) {
    const { order } = lists.readList(asMap(rows), list);
    const at = asMap(rows).get(`${list}/at/${item}`)?.value;
    return order.placeAfter(order.slots.includes(at) ? at : item);
  },
  playback({ rows, nowMs }) {
    const map = asMap(rows);
    const { head, consumed } = playback.readSession(map);
    return { playback: playback.playbackAt(map, head, nowMs), consumed: [...consumed].sort() };
  },
  account({ rows }) {
    const map = asMap(rows);
    return {
      playlists: account.readPlaylists(map),
      library: account.readLibraryCounts(map),
      settings: account.readSettings(map),
      devices: account.readDevices(map).map(({ device, name, kind, revoked }) => ({ device, name, kind, revoked })),
    };
  },
  controls({ rows, nowMs, device, track }) {
    const map = asMap(rows);
    const { head, consumed } = playback.readSession(map);
    const { entries, order } = lists.readList(map, "queue", consumed);
    const now = playback.playbackAt(map, head, nowMs);
    return [
      controls.add(order, track),
      ...entries.slice(0, 1).flatMap((entry) => [controls.remove(entry), controls.start(now, entry, device)]),
      ...(now === null ? [] : [controls.pause(now, device), controls.resume(now, device)]),
      ...(now === null ? [] : entries.slice(0, 1).map((entry) => controls.skipTo(now, entry, device))),
      ...(now === null ? [] : [controls.skipInContext(now, { id: "4", track: "t4" }, device)]),
    ];
  },
  shuffle({ op, seed, ids, current, first, text }) {
    if (op === "hash") return context.murmur3(text, seed);
    return op === "order" ? context.shuffled(ids, seed, current) : context.upcoming(ids, seed, current, first);
  },
  nextInContext({ rows, playlists }) {
    const map = asMap(rows);
    const played = playback.readSession(map);
    const items = context.contextItems(played.head.start.context, (stream) => playlists[stream] && asMap(playlists[stream]));
    return context.nextInContext(map, played, items);
  },
  afterClose: ({ code }) => wire.afterClose(code),
  sentence: ({ kind, cells: rows }) => activity.sentence(kind, rows, (device) => `<${device}>`),
  open({ saved }) {
    session = new Session(saved ?? {});
    return null;
  },
  hello: ({ nowMs }) => session.hello("a token", nowMs),
  receive: ({ messages }) => messages.flatMap((message) => session.receive(message)),
  emit: ({ control, nowMs }) => session.emit(control, nowMs),
  follow: ({ streams }) => session.follow(streams),
  resend: () => session.resend(),
  save: () => session.save(),
  disconnect() {
    session.disconnected();
    return null;
  },
  dropCursors() {
    session.dropCursors();
    return null;
  },
  dropWriter() {
    session.dropWriter();
    return null;
  },
  shown: () => asRows(session.shownCells()),
  confirmed: ({ stream }) => asRows(session.streams.get(stream).cells),
  presence: () => [...session.presence],
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: ANSWERS[ask](given) };
  } catch (error) {
    answer = { error: error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
