export function isSaid(data) {
    const { from, term, word } = (data ?? {});
    return typeof from === "string" && typeof term === "number" && typeof word?.type === "string";
}
