// Writes api.txt: every name that the package offers (as built in dist/), of classes also their members. `--check` fails where it is stale.
// A name that goes, or is another one, breaks somebody's app: the listing makes that a line in a review.
import { readFileSync, writeFileSync } from "node:fs";

const LISTING = new URL("../api.txt", import.meta.url);
const DIST = new URL("../dist/", import.meta.url);
/** What an app reaches through a `Device` and its actions, and has no need to make. */
const REACHED = ["done", "history", "library", "player", "playlist", "progress", "queue", "renderer", "settings"];

const declared = (name) => readFileSync(new URL(`${name}.d.ts`, DIST), "utf8");
const isProtected = new Set(["client/face", "client/editable_list"].flatMap((name) => {
  return [...declared(name).matchAll(/^ +protected (?:readonly |get )*(\w+)/gm)].map(([, member]) => member);
})); // prettier-ignore
const isHidden = (name) => isProtected.has(name) || ["constructor", "length", "name", "prototype"].includes(name);
const membersOf = (object) => Object.getOwnPropertyNames(object).filter((name) => !isHidden(name));

/** Of a class and those it extends, up to what the language brings along. */
const inherited = (found) => {
  const members = new Set();
  for (let each = found; each !== Function.prototype && each !== Error; each = Object.getPrototypeOf(each)) {
    for (const name of membersOf(each.prototype)) members.add(name);
  }
  return [...members].sort();
};

const describe = (name, found) => {
  if (typeof found !== "function") return `${name}: ${typeof found}`;
  const isClass = /^class\b/.test(Function.prototype.toString.call(found));
  if (!isClass) return `${name}()`;
  const own = [...membersOf(found).map((each) => `static ${each}`), ...inherited(found)];
  return [`class ${name}`, ...own.map((each) => `    ${each}`)].join("\n");
};

const load = async (name) => import(new URL(`${name}.js`, DIST).href);
const offered = await load("index");
const reached = Object.assign({}, ...(await Promise.all(REACHED.map((name) => load(`client/${name}`)))));
const classes = Object.entries(reached).filter(([, found]) => /^class\b/.test(Function.prototype.toString.call(found)));
const types = [...declared("index").matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, all, names]) => {
  return names.split(",").map((name) => name.trim()).filter((name) => all || name.startsWith("type ")).map((name) => name.replace("type ", ""));
});
const lines = [
  ...Object.keys(offered).sort().map((name) => describe(name, offered[name])),
  ...classes.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, found]) => describe(name, found)),
  ...types.filter((name) => !(name in reached)).sort().map((name) => `type ${name}`),
];
const listing = `${lines.join("\n")}\n`;

if (!process.argv.includes("--check")) writeFileSync(LISTING, listing);
else if (readFileSync(LISTING, "utf8") !== listing) {
  console.error("api.txt is stale: run npm run api, and see what changes for those who use the package");
  process.exitCode = 1;
}
