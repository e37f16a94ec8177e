const SHOWN_CHARS = 60;
const patterns = new Map();
export function shown(value) {
    const text = JSON.stringify(value) ?? String(value);
    return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}
export function mismatch(value, shape, shapes, at) {
    if (shape === true)
        return null;
    if (shape === false)
        return `${at} is not known here`;
    if (shape.$ref !== undefined)
        return mismatch(value, shapes[shape.$ref] ?? false, shapes, at);
    const isWrong = (allowed) => `${at} is ${shown(value)}, must be ${allowed}`;
    if (shape.const !== undefined && value !== shape.const)
        return isWrong(shown(shape.const));
    if (shape.enum !== undefined && !shape.enum.includes(value))
        return isWrong(`one of ${shape.enum.map(shown).join(", ")}`);
    if (shape.anyOf !== undefined) {
        const found = shape.anyOf.map((each) => mismatch(value, each, shapes, at));
        if (!found.includes(null))
            return found.at(value === null ? -1 : 0) ?? isWrong("something else");
    }
    if (shape.type !== undefined && !isOfType(value, shape.type))
        return isWrong(ARTICLES[shape.type] ?? shape.type);
    if (typeof value === "string")
        return textMismatch(value, shape, isWrong);
    if (typeof value === "number")
        return numberMismatch(value, shape, isWrong);
    if (Array.isArray(value))
        return arrayMismatch(value, shape, shapes, at, isWrong);
    if (typeof value === "object" && value !== null)
        return objectMismatch(value, shape, shapes, at);
    return null;
}
const ARTICLES = {
    string: "a string",
    integer: "a whole number within ±(2^53 - 1)",
    boolean: "true or false",
    array: "an array",
    object: "an object",
};
function isOfType(value, type) {
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
function textMismatch(value, shape, isWrong) {
    const { minLength = 0, maxLength = Infinity, pattern } = shape;
    const length = value.length > maxLength || value.length < 2 * minLength ? [...value].length : value.length;
    if (length < minLength || length > maxLength)
        return isWrong(`${minLength} to ${maxLength} characters`);
    return pattern === undefined || compiled(pattern).test(value) ? null : isWrong(`like ${pattern}`);
}
function numberMismatch(value, { minimum, maximum }, isWrong) {
    const isWithin = value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity);
    return isWithin ? null : isWrong(`${minimum ?? "-∞"} to ${maximum ?? "∞"}`);
}
function arrayMismatch(value, shape, shapes, at, isWrong) {
    const { minItems = 0, maxItems = Infinity, items = true, prefixItems = [] } = shape;
    if (value.length < minItems || value.length > maxItems)
        return isWrong(`${minItems} to ${maxItems} long`);
    for (const [index, each] of value.entries()) {
        const found = mismatch(each, prefixItems[index] ?? items, shapes, `${at}[${index}]`);
        if (found !== null)
            return found;
    }
    return null;
}
function objectMismatch(value, shape, shapes, at) {
    const { properties = {}, required = [], additionalProperties = true, propertyNames = true, minProperties = 0 } = shape;
    const missing = required.find((name) => !Object.hasOwn(value, name));
    if (missing !== undefined)
        return `${at} lacks ${missing}`;
    const entries = Object.entries(value);
    if (entries.length < minProperties)
        return `${at} is empty, must have at least ${minProperties} of them`;
    for (const [name, each] of entries) {
        const rule = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
        const found = mismatch(each, rule, shapes, `${at}.${name}`) ?? mismatch(name, propertyNames, shapes, `a name in ${at}`);
        if (found !== null)
            return found;
    }
    return null;
}
function compiled(pattern) {
    let found = patterns.get(pattern);
    if (found === undefined)
        patterns.set(pattern, (found = new RegExp(pattern)));
    return found;
}
