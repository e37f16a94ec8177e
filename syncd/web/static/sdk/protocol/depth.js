const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);
const OPEN = new Set(["[", "{"].map((sign) => sign.charCodeAt(0)));
const CLOSE = new Set(["]", "}"].map((sign) => sign.charCodeAt(0)));
export function nestsDeeper(json, depth) {
    let [level, isInText] = [0, false];
    for (let i = 0; i < json.length; i++) {
        const unit = json.charCodeAt(i);
        if (unit === QUOTE)
            isInText = !isInText;
        else if (isInText && unit === BACKSLASH)
            i++;
        else if (!isInText && OPEN.has(unit) && ++level > depth)
            return true;
        else if (!isInText && CLOSE.has(unit))
            level--;
    }
    return false;
}
