// Writes src/schemas/ from the repository's schemas/: types for the compiler, shapes for the check at run time.
//
//     node tools/generate.mjs            write
//     node tools/generate.mjs --check    name what is stale, and exit with 1
//
// What it understands of JSON Schema is what `syncd schemas` uses; anything else is an error, not a guess.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), "..");
const SCHEMAS = join(PACKAGE, "..", "..", "schemas");
const OUTPUT = join(PACKAGE, "src", "schemas");
const LINE = 118;
const FREE = new Set(["Json", "JsonObject"]);

const read = (name) => JSON.parse(readFileSync(join(SCHEMAS, `${name}.json`), "utf8"));
const refOf = (schema) => schema.$ref.replace("#/$defs/", "");
const upper = (text) => text.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();

// --- types ---

function typeOf(schema) {
  if (schema.$ref !== undefined) return refOf(schema);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === undefined && schema.anyOf !== undefined) return unionOf(schema.anyOf);
  switch (schema.type) {
    case "null":
    case "boolean":
    case "string":
      return schema.type;
    case "integer":
      return "number";
    case "array":
      return arrayOf(schema);
    case "object":
      return objectOf(schema);
    default:
      throw new Error(`no type for ${JSON.stringify(schema)}`);
  }
}

const unionOf = (schemas) => schemas.map(typeOf).join(" | ");

function arrayOf({ items, prefixItems, minItems, maxItems }) {
  if (prefixItems !== undefined) return `readonly [${prefixItems.map(typeOf).join(", ")}]`;
  const item = typeOf(items);
  if (minItems === maxItems && minItems !== undefined) return `readonly [${Array(minItems).fill(item).join(", ")}]`;
  return item.includes(" ") ? `readonly (${item})[]` : `readonly ${item}[]`;
}

function objectOf({ properties = {}, required = [], additionalProperties }) {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? "" : "?";
    return `${comment(schema.description, "  ")}  readonly ${name}${optional}: ${typeOf(schema)};\n`;
  });
  const open = typeof additionalProperties === "object" ? typeOf(additionalProperties) : null;
  if (fields.length === 0 && open !== null) return `{ readonly [key: string]: ${open} }`;
  return `{\n${fields.join("")}}${open === "Json" ? " & JsonObject" : ""}`;
}

function comment(text, indent = "") {
  if (text === undefined) return "";
  const words = text.split(/\s+/);
  const lines = [""];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== "" && `${indent} * ${last} ${word}`.length > LINE) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  if (lines.length === 1 && `${indent}/** ${lines[0]} */`.length <= LINE) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}

const declaration = (name, schema) => `${comment(schema.description)}export type ${name} = ${typeOf(schema)};\n`;

// --- shapes: what is left of a schema when only a program reads it ---

const WORDS = new Set([
  "type", "const", "enum", "anyOf", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
  "minProperties", "required",
]); // prettier-ignore
const SAID_ELSEWHERE = new Set(["title", "description", "default", "$schema"]);

function shapeOf(schema) {
  if (typeof schema === "boolean") return schema;
  if (schema.$ref !== undefined) return FREE.has(refOf(schema)) ? true : { $ref: refOf(schema) };
  const shape = {};
  for (const [word, value] of Object.entries(schema)) {
    if (SAID_ELSEWHERE.has(word)) continue;
    if (word === "properties") shape.properties = mapped(value);
    else if (word === "prefixItems" || word === "anyOf") shape[word] = value.map(shapeOf);
    else if (["items", "additionalProperties", "propertyNames"].includes(word)) shape[word] = shapeOf(value);
    else if (WORDS.has(word)) shape[word] = value;
    else throw new Error(`the word ${word} of ${JSON.stringify(schema)} is not understood`);
  }
  return shape;
}

const mapped = (schemas) => Object.fromEntries(Object.entries(schemas).map(([name, each]) => [name, shapeOf(each)]));

/** JSON with short things on one line. */
function printed(value, indent = "") {
  const flat = JSON.stringify(value);
  if (typeof value !== "object" || value === null || flat.length + indent.length < 100) return flat;
  const inner = `${indent}  `;
  const each = Array.isArray(value)
    ? value.map((item) => inner + printed(item, inner))
    : Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${printed(item, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${each.join(",\n")},\n${indent}${close}`;
}

// --- the files ---

const HEAD = "// Made by tools/generate.mjs from schemas/ of the repository. Do not edit.\n";
const FREE_IMPORT = 'import type { Json, JsonObject } from "../model/canonical.js";\n';
const SHAPE_IMPORT = 'import type { Shapes } from "../model/shape.js";\n\n';

function events() {
  const { $defs, oneOf } = read("events");
  const own = Object.entries($defs).filter(([name]) => !FREE.has(name));
  const kinds = oneOf.map(({ properties: { kind, data } }) => [kind.const, refOf(data)]);
  const shapes = Object.fromEntries(own.map(([name, schema]) => [name, shapeOf(schema)]));
  return [
    HEAD, FREE_IMPORT, SHAPE_IMPORT,
    own.map(([name, schema]) => declaration(name, schema)).join("\n"),
    "\n/** Kind of an event -> its data. */\nexport type EventsByKind = {\n",
    ...kinds.map(([kind, name]) => `  readonly "${kind}": ${name};\n`),
    "};\n\n/** Kind of an event -> the shape of its data, by name in `EVENT_SHAPES`. */\n",
    "export const EVENT_SHAPE_OF: Readonly<Record<keyof EventsByKind, string>> = ",
    printed(Object.fromEntries(kinds)),
    ";\n\n/** What the data of an event must look like. */\nexport const EVENT_SHAPES: Shapes = ",
    printed(shapes), ";\n",
  ].join(""); // prettier-ignore
}

function messages() {
  const { $defs } = read("messages");
  const isUnion = (schema) => schema.oneOf !== undefined;
  const own = Object.entries($defs).filter(([name, schema]) => !FREE.has(name) && !isUnion(schema));
  const unions = Object.entries($defs).filter(([, schema]) => isUnion(schema));
  const said = unions.find(([name]) => name === "ServerMessage")[1].oneOf.map(refOf);
  const byType = Object.fromEntries(said.map((name) => [$defs[name].properties.type.const, name]));
  const needed = new Set(said);
  for (const name of needed) {
    for (const [, found] of JSON.stringify($defs[name]).matchAll(/#\/\$defs\/(\w+)/g)) {
      if (!FREE.has(found)) needed.add(found);
    }
  }
  const shapes = Object.fromEntries([...needed].sort().map((name) => [name, shapeOf($defs[name])]));
  const named = (name) => (name === "Error" ? "ErrorMessage" : name);
  const text = [
    own.map(([name, schema]) => declaration(named(name), schema)).join("\n"),
    ...unions.map(
      ([name, { description, oneOf }]) =>
        `\n${comment(description)}export type ${name} =\n${oneOf.map((each) => `  | ${named(refOf(each))}\n`).join("")}`.replace(/\n$/, ";\n"),
    ),
  ].join("");
  const free = text.includes("JsonObject") ? FREE_IMPORT : FREE_IMPORT.replace(", JsonObject", "");
  return [
    HEAD, free, SHAPE_IMPORT, text,
    "\n/** Type of a server's message -> its shape, by name in `MESSAGE_SHAPES`. */\n",
    'export const MESSAGE_SHAPE_OF: Readonly<Record<ServerMessage["type"], string>> = ', printed(byType),
    ";\n\n/** What a server's messages must look like. */\nexport const MESSAGE_SHAPES: Shapes = ", printed(shapes), ";\n",
  ].join(""); // prettier-ignore
}

function closeCodes() {
  const { codes, families, otherwise, then } = read("close_codes");
  const duties = Object.keys(then).map((name) => JSON.stringify(name));
  const members = Object.entries(then).map(([name, duty]) => ` * - \`${name}\`: ${duty}\n`);
  const constants = codes.map(({ name, code, reason }) => `${comment(reason)}export const ${upper(name)} = ${code};\n`);
  return [
    HEAD, "\n/**\n * What the client does after a close.\n *\n", ...members, " */\n",
    `export type Then = ${duties.join(" | ")};\n\n`, constants.join(""),
    "\n/** Code of a close -> what to do. */\nexport const THEN_OF: Readonly<Record<number, Then>> = ",
    printed(Object.fromEntries(codes.map(({ code, then: duty }) => [code, duty]))),
    ";\n\n/** The first two digits of a code that is not there -> what to do. */\n",
    "export const THEN_OF_FAMILY: Readonly<Record<number, Then>> = ", printed(families),
    ";\n\n/** After any other code. */\n", `export const OTHERWISE: Then = ${JSON.stringify(otherwise)};\n`,
  ].join(""); // prettier-ignore
}

function version() {
  const { wire, subprotocols, path } = read("version");
  return [
    HEAD, "\n/** Of the wire. */\n", `export const WIRE_VERSION = ${wire};\n`,
    "/** Of the socket, below a gateway's address. */\n", `export const PATH = ${JSON.stringify(path)};\n`,
    "/** Text frames; also spoken when none is asked for. */\n",
    `export const SUBPROTOCOL_JSON = ${JSON.stringify(subprotocols[0])};\n`,
    "/** Binary frames, the same structures. */\n",
    `export const SUBPROTOCOL_MSGPACK = ${JSON.stringify(subprotocols[1])};\n`,
  ].join(""); // prettier-ignore
}

const files = { "events.ts": events, "messages.ts": messages, "close_codes.ts": closeCodes, "version.ts": version };
const isCheck = process.argv.includes("--check");
mkdirSync(OUTPUT, { recursive: true });
for (const [name, make] of Object.entries(files)) {
  const path = join(OUTPUT, name);
  const text = make();
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  if (isCheck) process.exitCode = 1;
  else writeFileSync(path, text);
  console.log(`${isCheck ? "stale" : "written"}: src/schemas/${name}`);
}
