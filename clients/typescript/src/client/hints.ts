/**
 * What a browser tells of the network and of who looks. Hints only: `online` may be a hotel's login page, and sockets live on
 * when `offline` is wrong. So the device just looks how its connection stands.
 */

/** Call `look` whenever the network may have come or gone, and when the page is looked at again. Returns what ends that. */
export function onHints(look: () => void): () => void {
  if (typeof document === "undefined" || typeof addEventListener === "undefined") return () => undefined;
  const over = new AbortController();
  const { signal } = over;
  for (const event of ["online", "offline", "pageshow"]) addEventListener(event, look, { signal });
  document.addEventListener("resume", look, { signal }); // after the browser had frozen it
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look(), { signal });
  return () => over.abort();
}
