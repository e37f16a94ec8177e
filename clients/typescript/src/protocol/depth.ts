/** How deep a text frame nests, asked before anything walks what it holds. MessagePack's decoder counts by itself. */

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);
const OPEN = new Set(["[", "{"].map((sign) => sign.charCodeAt(0)));
const CLOSE = new Set(["]", "}"].map((sign) => sign.charCodeAt(0)));

/** Whether arrays and objects of this JSON nest deeper than `depth`. What is no JSON is left to the parser. */
export function nestsDeeper(json: string, depth: number): boolean {
  let [level, isInText] = [0, false];
  for (let i = 0; i < json.length; i++) {
    const unit = json.charCodeAt(i);
    if (unit === QUOTE) isInText = !isInText;
    else if (isInText && unit === BACKSLASH) i++;
    else if (!isInText && OPEN.has(unit) && ++level > depth) return true;
    else if (!isInText && CLOSE.has(unit)) level--;
  }
  return false;
}
