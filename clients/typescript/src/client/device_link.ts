/**
 * A device link: what `syncd device link` and `syncd serve` print, and what people paste or open.
 *
 *     http://host:port/#token=…
 *
 * The token is in the fragment, which browsers send to nobody.
 */

/** `url`: of the server, `http(s)://host:port`; null where only a token was given. */
export type DeviceLink = { readonly url: string | null; readonly token: string };

/** As tokens look; a word of any other length or sign is something else that was pasted. */
const TOKEN = /^[\w.~-]{16,512}$/;

/** Read a link, the address of a page, or a token alone; null when there is no token in it. */
export function readLink(text: string): DeviceLink | null {
  const given = text.trim();
  if (TOKEN.test(given)) return { url: null, token: given };
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    return null; // nothing that anybody could follow
  }
  const token = new URLSearchParams(url.hash.slice(1)).get("token");
  if (token === null || !TOKEN.test(token) || !["http:", "https:"].includes(url.protocol)) return null;
  return { url: url.origin + url.pathname.replace(/\/+$/, ""), token };
}
