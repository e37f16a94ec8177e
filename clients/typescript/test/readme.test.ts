import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = new URL("../../", import.meta.url);

test("the first program of the README prints what the README says", () => {
  const readme = readFileSync(new URL("README.md", PACKAGE), "utf8");
  const program = /```js\n(?<text>[^]*?)```/.exec(readme)?.groups?.["text"] ?? "";
  const expected = /It prints\n\n(?<text>(?: {4}.*\n)+)/.exec(readme)?.groups?.["text"] ?? "";
  // The package finds itself by its own name.
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: fileURLToPath(PACKAGE) });
  assert.equal(printed.toString(), expected.replace(/^ {4}/gm, ""));
});
