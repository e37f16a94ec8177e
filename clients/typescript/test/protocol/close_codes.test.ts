import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dutyAfter } from "../../src/protocol/close_codes.js";
import { REPOSITORY } from "../vectors.js";

test("every close code has the duty of the table, and one that is newer that of its family", () => {
  const table = JSON.parse(readFileSync(new URL("schemas/close_codes.json", REPOSITORY), "utf8")) as {
    codes: { code: number; then: string }[];
  };
  for (const { code, then } of table.codes) assert.equal(dutyAfter(code), then);
  assert.deepEqual([4098, 4199, 4299, 4599, 3000].map(dutyAfter), ["resume", "snapshot", "renew_login", "stay_away", "resume"]);
});
