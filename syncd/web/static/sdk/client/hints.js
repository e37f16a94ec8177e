export function onHints(look) {
    if (typeof document === "undefined" || typeof addEventListener === "undefined")
        return () => undefined;
    const over = new AbortController();
    const { signal } = over;
    for (const event of ["online", "offline", "pageshow"])
        addEventListener(event, look, { signal });
    document.addEventListener("resume", look, { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look(), { signal });
    return () => over.abort();
}
