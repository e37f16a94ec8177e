// Runs devices of the TypeScript SDK: one JSON `{id, code}` a line on stdin, one JSON `{id, answer}` or `{id, error}` a line
// on stdout. `code` is the body of an async function of `sdk` (the modules that ship with the Python package) and `kept`,
// an object that lives as long as the process. The first argument is the folder of the modules.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const sdk = await import(pathToFileURL(`${process.argv[2]}/index.js`).href);
const kept = {};
const AsyncFunction = (async () => undefined).constructor;
const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);

say({ id: 0, answer: process.version });
createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { id, code } = JSON.parse(line);
    try {
      say({ id, answer: (await new AsyncFunction("sdk", "kept", code)(sdk, kept)) ?? null });
    } catch (error) {
      say({ id, error: String(error?.stack ?? error) });
    }
  })
  .on("close", () => process.exit());
