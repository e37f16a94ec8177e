// The page: what an account's devices show, live, with a few controls. A device like any other, but one without sound.

import { readDevices, readLibraryCounts, readPlaylists, readSettings } from "./account.js";
import { isNews, sentence } from "./activity.js";
import { contextItems, nextInContext, playlistStream } from "./context.js";
import * as controls from "./controls.js";
import { keyPart } from "./cells.js";
import { byId, element, setText, showAll } from "./dom.js";
import { readList } from "./lists.js";
import { lower } from "./lower.js";
import { playbackAt, readSession } from "./playback.js";
import { Session } from "./session.js";
import * as storage from "./storage.js";
import { Wire } from "./wire.js";

const ROWS_MAX = 100; // Of a list; a queue of thousands is counted, not drawn.
const PLAYLISTS_MAX = 100; // Followed and shown.
const NEWS_MAX = 50;

let token = null;
let session = null;
let wire = null;
let views = null; // Of the present cells; null when they changed since. Read them through `look`.
let liveSinceMs = 0;
let chosenDevice = null; // To play on, once somebody chose.
let drawing = false;

// --- signing in and out ---

function begin(newToken) {
  end();
  token = newToken;
  session = new Session(storage.takeStore(token));
  wire = new Wire(session, token, { happened, moved: drawSoon });
  wire.start();
  drawSoon();
}

function end() {
  wire?.stop();
  token = session = wire = views = null;
  byId("news").replaceChildren();
}

function signIn(text) {
  const given = storage.tokenOf(text);
  setText(byId("sign-in-error"), given === "" ? "That holds no token. A link ends in #token= and the token." : "");
  if (given === "") return;
  storage.forgetToken();
  storage.keepToken(given);
  begin(given);
}

function signOut() {
  storage.forgetToken();
  end();
  drawSoon();
}

// --- what happens ---

function happened(outcome) {
  const { what } = outcome;
  if (what === "live") liveSinceMs = wire.nowMs();
  else if (what === "cells" && outcome.by !== undefined) tell(outcome.by, outcome.cells);
  else if (what === "own") {
    news("You", sentence(outcome.event.kind, lower(outcome.event, session.writer), nameOf));
  } else if (what === "refused") {
    news("The server", `refused what you did (${outcome.reason}): ${outcome.message}`);
  } else if (what === "told") news("The server", `says: ${outcome.message}`);
  else if (what === "presence" && (!outcome.online || outcome.sinceMs > liveSinceMs)) {
    news(subject(outcome.device), outcome.online ? "came online" : "went offline");
  }
  changed();
}

/** Emits a control; it shows at once, before its answer. */
function emit(control) {
  wire.emit(control);
  changed();
}

function changed() {
  views = null;
  drawSoon();
}

function tell(by, cells) {
  if (!isNews(by.kind)) return;
  const who = by.account === session.account ? subject(by.device) : "Another account";
  news(who, sentence(by.kind, cells, nameOf));
}

function news(who, did) {
  const at = new Date(wire.nowMs() ?? Date.now());
  const time = element("time", { dateTime: at.toISOString() }, at.toLocaleTimeString([], { timeStyle: "medium" }));
  byId("news").prepend(element("li", {}, time, " ", element("b", {}, who), ` ${did}`));
  while (byId("news").children.length > NEWS_MAX) byId("news").lastElementChild.remove();
}

/** A device as the subject of a sentence, and inside one. */
const subject = (device) => (device === session.device ? "This page" : nameOf(device));

function nameOf(device) {
  if (device === session.device) return "this page";
  const name = session.streams.get(session.ownStream)?.cells.get(`device/${keyPart(device ?? "")}/name`)?.value;
  return name ?? device ?? "a device";
}

// --- looking ---

const look = () => (views ??= computeViews());

/** All views of the present cells. Playlists that they name are asked for as soon as they are known. */
function computeViews() {
  const cells = session.shownCells();
  const played = readSession(cells);
  const queue = readList(cells, "queue", played.consumed);
  const playlists = readPlaylists(cells).slice(0, PLAYLISTS_MAX).map(playlistStream);
  const context = played.head?.start.context;
  const wanted = typeof context?.playlist === "string" ? [...playlists, playlistStream(context.playlist)] : playlists;
  if (wire.phase === "live") session.follow(wanted).forEach((message) => wire.send(message));
  const items = contextItems(context, (stream) => session.streams.get(stream)?.cells);
  const ahead = played.head === null ? null : nextInContext(cells, played, items);
  return { cells, head: played.head, queue, ahead, playlists: playlists.flatMap(lookAtPlaylist) };
}

function lookAtPlaylist(stream) {
  const cells = session.streams.get(stream)?.cells;
  if (cells === undefined || cells.get("playlist/deleted")?.value === true) return [];
  const name = cells.get("playlist/name")?.value ?? "Without a name";
  return [{ stream, name, count: readList(cells, "items").entries.length }];
}

const playbackNow = () => playbackAt(look().cells, look().head, wire.nowMs() ?? Date.now());

// --- drawing ---

function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  const signedIn = wire !== null;
  byId("sign-in").hidden = signedIn && !wire.signIn;
  byId("account").hidden = !signedIn || wire.signIn;
  byId("sign-out").hidden = !signedIn;
  drawConnection();
  if (!signedIn) return;
  const { cells, playlists } = look();
  const live = wire.phase === "live";
  byId("account").classList.toggle("stale", !live);
  for (const control of document.querySelectorAll(".live-only")) control.disabled = !live;
  drawPlayback();
  drawQueue();
  drawDevices();
  drawPairs("library", readLibraryCounts(cells), "Nothing yet.");
  drawPairs("settings", readSettings(cells).map(([k, v]) => [k, JSON.stringify(v)]), "None chosen yet.");
  drawPairs("playlists", playlists.map(({ name, count }) => [name, `${count} tracks`]), "None yet.");
}

const PHASES = { connecting: "Connecting", live: "Live", waiting: "Not connected; trying again", stopped: "Not connected" };

function drawConnection() {
  const phase = wire?.phase ?? "stopped";
  byId("connection").dataset.phase = phase;
  setText(byId("connection"), wire === null ? "Signed out" : PHASES[phase]);
  setText(byId("why"), wire === null || phase === "live" ? "" : whyNot());
  byId("why").hidden = byId("why").textContent === "";
  byId("again").hidden = !(phase === "stopped" && wire !== null && !wire.signIn);
}

function whyNot() {
  const cannot = wire.phase === "waiting" ? " What you see may be old; controls come back with the connection." : "";
  return wire.why === "" ? "" : wire.why + cannot;
}

const clockTime = (ms) => {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return [...(h > 0 ? [h, String(m).padStart(2, "0")] : [m]), String(s).padStart(2, "0")].join(":");
};

const titleOf = (item) => item.title ?? item.track ?? item.id;

function drawPlayback() {
  const playback = playbackNow();
  const live = wire.phase === "live";
  const { queue, ahead } = look();
  const silent = queue.entries.length === 0 && ahead === null;
  setText(byId("now-title"), playback === null ? "Nothing has been played yet" : titleOf(playback.item));
  setText(byId("now-where"), playback === null ? "Add a track to the queue and play it on a device." : whereLine(playback));
  byId("now-time").hidden = playback === null;
  document.title = playback?.playing ? `▶ ${titleOf(playback.item)} - syncd` : "syncd";
  const toggle = byId("toggle");
  setText(toggle, playback?.playing ? "Pause" : "Play");
  toggle.disabled = !live || playback === null;
  byId("next").disabled = !live || playback === null || silent;
  byId("next").title = silent ? "Nothing comes next that this page knows of" : "";
  if (playback !== null) drawPosition(playback);
}

function whereLine({ device, playing, buffering, stale, speedPermille }) {
  const state = stale ? "should have ended on" : buffering ? "waiting for data on" : playing ? "playing on" : "paused on";
  const speed = speedPermille === 1000 ? "" : `, at ${speedPermille / 1000} times the speed`;
  return `${state} ${nameOf(device)}${device === session.device ? " (which makes no sound)" : ""}${speed}`;
}

function drawPosition({ positionMs, durationMs }) {
  setText(byId("position"), clockTime(positionMs));
  setText(byId("duration"), durationMs === null ? "" : clockTime(durationMs));
  const bar = byId("progress");
  bar.hidden = durationMs === null;
  if (durationMs !== null) [bar.max, bar.value] = [durationMs, positionMs];
}

function drawQueue() {
  const { entries } = look().queue;
  showAll(byId("queue"), entries.slice(0, ROWS_MAX), ({ id }) => id, makeQueueRow, drawQueueRow);
  setText(byId("queue-count"), entries.length === 0 ? "" : String(entries.length));
  const more = entries.length - ROWS_MAX;
  setText(byId("queue-note"), entries.length === 0 ? "Nothing comes next." : more > 0 ? `and ${more} more` : "");
}

function makeQueueRow({ id }) {
  // The entry may have gone between the last drawing and the press.
  const ifThere = (act) => () => {
    const entry = look().queue.entries.find((candidate) => candidate.id === id);
    if (entry !== undefined) emit(act(entry));
  };
  const play = ifThere((entry) => controls.start(playbackNow(), entry, byId("play-on").value));
  const remove = ifThere(controls.remove);
  return element(
    "li",
    {},
    element("span", { className: "title" }),
    element("button", { type: "button", className: "quiet live-only", onclick: play }, "Play"),
    element("button", { type: "button", className: "quiet live-only", onclick: remove }, "Remove"),
  );
}

function drawQueueRow(row, { item }) {
  const [title, play, remove] = row.children;
  const name = titleOf(item);
  setText(title, name);
  play.ariaLabel = `Play ${name}`;
  remove.ariaLabel = `Remove ${name}`;
  play.disabled = remove.disabled = wire.phase !== "live";
}

function drawDevices() {
  const live = wire.phase === "live";
  const known = new Map(readDevices(look().cells).map((device) => [device.device, device]));
  for (const device of [session.device, ...session.presence.keys()]) {
    if (device !== null && !known.has(device)) known.set(device, { device, kind: null, revoked: false });
  }
  const isOnline = (device) => live && (session.presence.has(device) || device === session.device);
  const rows = [...known.values()].map((device) => ({ ...device, online: isOnline(device.device) }));
  showAll(byId("devices"), rows, ({ device }) => device, () => element("li", {}, element("span", { className: "dot" }),
    element("span", { className: "title" }), element("small")), drawDevice);
  if (live) drawPlayOn(rows.filter(({ online, revoked }) => online && !revoked));
}

function drawDevice(row, { device, kind, revoked, online }) {
  const [dot, title, state] = row.children;
  dot.classList.toggle("online", online);
  setText(title, subject(device));
  // Without a connection nobody here knows who has one.
  const presence = wire.phase !== "live" ? "" : online ? "online" : "offline";
  setText(state, [kind, revoked ? "revoked" : presence].filter(Boolean).join(", "));
}

/** Until somebody chooses, "Play" plays where it plays already. */
function drawPlayOn(devices) {
  const select = byId("play-on");
  showAll(select, devices, ({ device }) => device, ({ device }) => element("option", { value: device }),
    (option, { device }) => setText(option, device === session.device ? "This page (no sound)" : nameOf(device)));
  const there = (device) => devices.some((each) => each.device === device);
  const playing = look().head?.start.device;
  if (!there(chosenDevice)) select.value = there(playing) ? playing : session.device;
}

function drawPairs(id, pairs, nothing) {
  const rows = pairs.length === 0 ? [[nothing, ""]] : pairs.slice(0, ROWS_MAX);
  showAll(byId(id), rows.map(([name, value], index) => ({ key: `${index} ${name}`, name, value: String(value) })),
    ({ key }) => key, () => element("li", {}, element("span", { className: "title" }), element("small")),
    (row, { name, value }) => {
      setText(row.children[0], name);
      setText(row.children[1], value);
    });
}

// --- wiring ---

byId("toggle").onclick = () => {
  const playback = playbackNow();
  if (playback !== null) emit((playback.playing ? controls.pause : controls.resume)(playback, session.device));
};
byId("next").onclick = () => {
  const [playback, { queue, ahead }] = [playbackNow(), look()];
  if (playback === null) return;
  if (queue.entries.length > 0) emit(controls.skipTo(playback, queue.entries[0], session.device));
  else if (ahead !== null) emit(controls.skipInContext(playback, ahead, session.device));
};
byId("play-on").onchange = () => (chosenDevice = byId("play-on").value);
byId("again").onclick = () => wire.start();
byId("sign-out").onclick = signOut;
byId("sign-in").onsubmit = (event) => {
  event.preventDefault();
  signIn(byId("token").value);
  byId("token").value = "";
};
byId("add").onsubmit = (event) => {
  event.preventDefault();
  const track = byId("track").value.trim();
  if (track === "" || wire.phase !== "live") return;
  emit(controls.add(look().queue.order, track));
  byId("track").value = "";
};

setInterval(() => {
  if (wire !== null) drawPlayback();
}, 500);
addEventListener("online", () => wire?.wake());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) wire?.wake();
});
addEventListener("hashchange", () => {
  const given = storage.takeTokenFromAddress();
  if (given !== null) signIn(given);
});
addEventListener("pagehide", () => {
  if (wire === null) return;
  wire.stop();
  storage.leaveStore(token, session.save());
});
// A page that comes back from the browser's cache has given its local store away: begin again from what is kept.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});

const given = storage.takeTokenFromAddress();
if (given !== null) signIn(given);
else if (storage.readToken() !== null) begin(storage.readToken());
else drawSoon();
