const TOKEN = /^[\w.~-]{16,512}$/;
export function readLink(text) {
    const given = text.trim();
    if (TOKEN.test(given))
        return { url: null, token: given };
    let url;
    try {
        url = new URL(given);
    }
    catch {
        return null;
    }
    const token = new URLSearchParams(url.hash.slice(1)).get("token");
    if (token === null || !TOKEN.test(token) || !["http:", "https:"].includes(url.protocol))
        return null;
    return { url: url.origin + url.pathname.replace(/\/+$/, ""), token };
}
