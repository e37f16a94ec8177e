import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const PACKAGE = new URL("../../", import.meta.url);
/** What pages load: the modules without comments, as the Python package ships them. */
const SHIPPED = new URL("../../syncd/web/static/sdk/", PACKAGE);
/** All of them one after another, gzipped, and some room. */
const GZIP_BYTES_MAX = 66 * 1024;

test("the types are those of schemas/ (else: npm run generate)", () => {
  execFileSync(process.execPath, ["tools/generate.mjs", "--check"], { cwd: fileURLToPath(PACKAGE) });
});

test("the package offers what api.txt lists (else: npm run api)", () => {
  execFileSync(process.execPath, ["tools/api.mjs", "--check"], { cwd: fileURLToPath(PACKAGE) });
});

test("the package is small and needs no other one", () => {
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", PACKAGE), "utf8")) as { dependencies?: object };
  assert.equal(dependencies, undefined);
  const modules = readdirSync(SHIPPED, { recursive: true }).filter((name) => String(name).endsWith(".js"));
  const texts = modules.map(String).sort().map((name) => readFileSync(new URL(name, SHIPPED), "utf8"));
  const bytes = gzipSync(texts.join("")).length;
  console.log(`${modules.length} modules, ${bytes} bytes gzipped`);
  assert.ok(bytes <= GZIP_BYTES_MAX, `${bytes} bytes gzipped, at most ${GZIP_BYTES_MAX}`);
});
