import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const PACKAGE = new URL("../../", import.meta.url);
/** All modules one after another, gzipped, comments included: what a page without a bundler loads, and some room. */
const GZIP_BYTES_MAX = 96 * 1024;

test("the types are those of schemas/ (else: npm run generate)", () => {
  execFileSync(process.execPath, ["tools/generate.mjs", "--check"], { cwd: fileURLToPath(PACKAGE) });
});

test("the package offers what it promised", async () => {
  const offered = Object.keys((await import(new URL("dist/index.js", PACKAGE).href)) as object).sort();
  assert.deepEqual(offered.join(" "), [
    "CODECS ClientSession ConfigError HybridClock InvalidEvent LimitExceeded LinkClosed ListView NotFound NotReady",
    "NotSettled OWN_STREAM OtherAccount PositionLost ProtocolError Refused StoreBusy SyncdError Unauthenticated",
    "Unavailable UndoGone UnexpectedMessage Unreadable WriterLost canonical checkedData consumed devicesView digest dutyAfter edits",
    "fold historyView isKind join libraryView listView lower merge modesView playbackView playlistView progressView",
    "restamp settingsView shuffled sidebarView upcoming",
  ].join(" "));
});

test("the package is small and needs no other one", () => {
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", PACKAGE), "utf8")) as { dependencies?: object };
  assert.equal(dependencies, undefined);
  const dist = new URL("dist/", PACKAGE);
  const names = readdirSync(dist, { recursive: true }) as string[];
  const modules = names.filter((name) => name.endsWith(".js")).sort();
  const bytes = gzipSync(modules.map((name) => readFileSync(new URL(name, dist), "utf8")).join("")).length;
  console.log(`${modules.length} modules, ${bytes} bytes gzipped`);
  assert.ok(bytes <= GZIP_BYTES_MAX, `${bytes} bytes gzipped, at most ${GZIP_BYTES_MAX}`);
});
