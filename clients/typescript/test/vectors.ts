/** The shared vectors of the repository, which every SDK must reproduce. */
import { readFileSync } from "node:fs";
import type { Cells } from "../src/model/cells.js";
import type { Json, JsonObject } from "../src/model/canonical.js";

/** From build/test to the repository. */
export const REPOSITORY = new URL("../../../../", import.meta.url);

export type Case<I, E> = { readonly name: string; readonly input: I; readonly expected: E };

/** The cases of a file in schemas/vectors. */
export function casesOf<I = JsonObject, E = Json>(file: string): readonly Case<I, E>[] {
  const text = readFileSync(new URL(`schemas/vectors/${file}.json`, REPOSITORY), "utf8");
  return (JSON.parse(text) as { cases: Case<I, E>[] }).cases;
}

/** Cells as the files write them: `{key: [rank, value]}`. */
export function cellsOf(given: { readonly [key: string]: readonly [string, Json] }): Cells {
  return new Map(Object.entries(given).map(([key, [rank, value]]) => [key, { rank, value }]));
}

/** Maps as objects, all the way down, so that a view can be compared with what a file expects. */
export function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, each]) => [key, plain(each)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}
