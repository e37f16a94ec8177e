// Compiles sources and tests into build/, and runs the tests. Arguments are passed to `node --test`.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const cwd = join(dirname(fileURLToPath(import.meta.url)), "..");
const run = (...command) => {
  const { status } = spawnSync(process.execPath, command, { cwd, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};

rmSync(join(cwd, "build"), { recursive: true, force: true });
run("node_modules/typescript/bin/tsc", "-p", "tsconfig.json");
run("tools/build.mjs", "--check");
const args = process.argv.slice(2);
// Node 22 takes no folder any more, so files are named; TAP is asked for, as defaults differ between versions.
const tests = readdirSync(join(cwd, "build/test"), { recursive: true }).filter((name) => name.endsWith(".test.js"));
run("--test", "--test-reporter=tap", ...(args.length > 0 ? args : tests.sort().map((name) => join("build/test", name))));
