// Compiles src/ twice: into dist/ with types, for those who install the package, and without comments into
// syncd/web/static/sdk/, which is checked in: people who install the Python package have no build step.
// `--check` does not write the latter, and fails where it is stale.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const cwd = join(dirname(fileURLToPath(import.meta.url)), "..");
const WEB = join(cwd, "../../syncd/web/static/sdk");
const isCheck = process.argv.includes("--check");

const compile = (outDir, ...options) => {
  rmSync(outDir, { recursive: true, force: true });
  const command = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", outDir, ...options];
  const { status } = spawnSync(process.execPath, command, { cwd, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};
const compileForWeb = (outDir) => compile(outDir, "--declaration", "false", "--removeComments", "true");
const modulesOf = (folder) => {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js"));
  return new Map(names.sort().map((name) => [name, readFileSync(join(folder, name), "utf8")]));
};

compile(join(cwd, "dist"));
if (isCheck) {
  const aside = mkdtempSync(join(tmpdir(), "syncd-sdk-"));
  try {
    compileForWeb(aside);
    const [there, fresh] = [modulesOf(WEB), modulesOf(aside)];
    const stale = [...new Set([...there.keys(), ...fresh.keys()])].filter((name) => there.get(name) !== fresh.get(name));
    if (stale.length > 0) {
      console.error(`stale in syncd/web/static/sdk (run npm run build): ${stale.join(" ")}`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
} else {
  compileForWeb(WEB);
}
