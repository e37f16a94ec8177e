/**
 * Whether a value has the shape that a schema asks for: as much of JSON Schema as `syncd schemas` writes.
 *
 * Numbers called "integer" are whole and exact; `$ref` names another shape; `true` lets anything through, since free
 * JSON is looked at by `freeJson`.
 */

/** What `tools/generate.mjs` leaves of a schema. */
export type Shape =
  | boolean
  | {
      readonly $ref?: string;
      readonly type?: string;
      readonly const?: unknown;
      readonly enum?: readonly unknown[];
      readonly anyOf?: readonly Shape[];
      readonly pattern?: string;
      readonly minimum?: number;
      readonly maximum?: number;
      readonly minLength?: number;
      readonly maxLength?: number;
      readonly minItems?: number;
      readonly maxItems?: number;
      readonly minProperties?: number;
      readonly items?: Shape;
      readonly prefixItems?: readonly Shape[];
      readonly properties?: { readonly [name: string]: Shape };
      readonly required?: readonly string[];
      readonly additionalProperties?: Shape;
      readonly propertyNames?: Shape;
    };
export type Shapes = { readonly [name: string]: Shape };

const SHOWN_CHARS = 60;
const patterns = new Map<string, RegExp>();

/** A value as an error's text shows it: short, and safe to print. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}

/**
 * What is wrong with a value, as a sentence that shows it and what is allowed; null when nothing is.
 *
 * @param at - what to call the value in the sentence.
 */
export function mismatch(value: unknown, shape: Shape, shapes: Shapes, at: string): string | null {
  if (shape === true) return null;
  if (shape === false) return `${at} is not known here`;
  if (shape.$ref !== undefined) return mismatch(value, shapes[shape.$ref] ?? false, shapes, at);
  const isWrong = (allowed: string): string => `${at} is ${shown(value)}, must be ${allowed}`;
  if (shape.const !== undefined && value !== shape.const) return isWrong(shown(shape.const));
  if (shape.enum !== undefined && !shape.enum.includes(value)) return isWrong(`one of ${shape.enum.map(shown).join(", ")}`);
  if (shape.anyOf !== undefined) {
    const found = shape.anyOf.map((each) => mismatch(value, each, shapes, at));
    if (!found.includes(null)) return found.at(value === null ? -1 : 0) ?? isWrong("something else");
  }
  if (shape.type !== undefined && !isOfType(value, shape.type)) return isWrong(ARTICLES[shape.type] ?? shape.type);
  if (typeof value === "string") return textMismatch(value, shape, isWrong);
  if (typeof value === "number") return numberMismatch(value, shape, isWrong);
  if (Array.isArray(value)) return arrayMismatch(value, shape, shapes, at, isWrong);
  if (typeof value === "object" && value !== null) return objectMismatch(value, shape, shapes, at);
  return null;
}

type Rules = Exclude<Shape, boolean>;
type IsWrong = (allowed: string) => string;

const ARTICLES: Readonly<Record<string, string>> = {
  string: "a string",
  integer: "a whole number within ±(2^53 - 1)",
  boolean: "true or false",
  array: "an array",
  object: "an object",
};

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "integer":
      return Number.isSafeInteger(value);
    case "array":
      return Array.isArray(value);
    case "null":
      return value === null;
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function textMismatch(value: string, shape: Rules, isWrong: IsWrong): string | null {
  const { minLength = 0, maxLength = Infinity, pattern } = shape;
  // Lengths count characters, as Python does, not UTF-16 units.
  const length = value.length > maxLength || value.length < 2 * minLength ? [...value].length : value.length;
  if (length < minLength || length > maxLength) return isWrong(`${minLength} to ${maxLength} characters`);
  return pattern === undefined || compiled(pattern).test(value) ? null : isWrong(`like ${pattern}`);
}

function numberMismatch(value: number, { minimum, maximum }: Rules, isWrong: IsWrong): string | null {
  const isWithin = value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity);
  return isWithin ? null : isWrong(`${minimum ?? "-∞"} to ${maximum ?? "∞"}`);
}

function arrayMismatch(value: readonly unknown[], shape: Rules, shapes: Shapes, at: string, isWrong: IsWrong): string | null {
  const { minItems = 0, maxItems = Infinity, items = true, prefixItems = [] } = shape;
  if (value.length < minItems || value.length > maxItems) return isWrong(`${minItems} to ${maxItems} long`);
  for (const [index, each] of value.entries()) {
    const found = mismatch(each, prefixItems[index] ?? items, shapes, `${at}[${index}]`);
    if (found !== null) return found;
  }
  return null;
}

function objectMismatch(value: object, shape: Rules, shapes: Shapes, at: string): string | null {
  const { properties = {}, required = [], additionalProperties = true, propertyNames = true, minProperties = 0 } = shape;
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${at} lacks ${missing}`;
  const entries = Object.entries(value);
  if (entries.length < minProperties) return `${at} is empty, must have at least ${minProperties} of them`;
  for (const [name, each] of entries) {
    const rule = Object.hasOwn(properties, name) ? properties[name]! : additionalProperties;
    const found =
      mismatch(each, rule, shapes, `${at}.${name}`) ?? mismatch(name, propertyNames, shapes, `a name in ${at}`);
    if (found !== null) return found;
  }
  return null;
}

function compiled(pattern: string): RegExp {
  let found = patterns.get(pattern);
  if (found === undefined) patterns.set(pattern, (found = new RegExp(pattern)));
  return found;
}
