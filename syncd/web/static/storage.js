// What this browser keeps: the token for all tabs, and this tab's local store over a reload.
//
// A local store must never be used by two pages at once, or both would count from the same seq. So a page takes the store out
// when it loads and puts it back when it goes: a duplicated tab finds nothing and begins its own.

const TOKEN = "syncd.token";
const STORE = "syncd.store";

/** Where a browser is told to keep nothing, the areas throw; then what we keep lasts as long as the page. */
function area(name) {
  try {
    return window[name];
  } catch {
    const kept = new Map();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, text) => kept.set(key, text),
      removeItem: (key) => kept.delete(key),
    };
  }
}

const allTabs = area("localStorage");
const thisTab = area("sessionStorage");

/** The token of a link's fragment, `#token=…`; taken out of the address bar, which is kept in histories. */
export function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
  return token;
}

/** A token as pasted: by itself, or inside a whole link. */
export function tokenOf(text) {
  const pasted = text.trim();
  const hash = pasted.indexOf("#");
  return hash < 0 ? pasted : new URLSearchParams(pasted.slice(hash + 1)).get("token") ?? "";
}

export const readToken = () => allTabs.getItem(TOKEN);

export const keepToken = (token) => allTabs.setItem(TOKEN, token);

export function forgetToken() {
  allTabs.removeItem(TOKEN);
  thisTab.removeItem(STORE);
}

/** The store that an earlier load of this tab left for this token. */
export function takeStore(token) {
  const text = thisTab.getItem(STORE);
  thisTab.removeItem(STORE);
  const kept = text === null ? null : JSON.parse(text);
  return kept?.token === token ? kept.store : undefined;
}

export const leaveStore = (token, store) => thisTab.setItem(STORE, JSON.stringify({ token, store }));
