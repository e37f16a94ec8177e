// What the console asks the server, and the operator's token. The token lives in this tab alone and goes with it.

const KEY = "syncd-operator";

/** A refusal, or no answer at all (status 0), in words for people. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The token of this tab; one that came in the address's fragment is taken out of it, also out of the history. */
export function readToken() {
  const found = /^#token=([\w-]+)$/.exec(location.hash);
  if (found) {
    sessionStorage.setItem(KEY, found[1]);
    history.replaceState(null, "", `${location.pathname}#/`);
  }
  return sessionStorage.getItem(KEY);
}

/** Keep a token that somebody typed or pasted, alone or in a link. */
export function keepToken(text) {
  const token = text.trim().replace(/^.*#token=/, "");
  sessionStorage.setItem(KEY, token);
  return token;
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

/** GET a document. `values` that are null or empty are left out. */
export function look(token, path, values = {}, signal = /** @type {AbortSignal | null} */ (null)) {
  return ask(token, "GET", path, values, signal);
}

/** POST something that is done. */
export function act(token, path, values = {}) {
  return ask(token, "POST", path, values, undefined);
}

async function ask(token, method, path, values, signal) {
  return (await answer(token, method, path, values, signal)).json();
}

/** The response of a question that was not refused. */
export async function answer(token, method, path, values = {}, signal = /** @type {AbortSignal | null} */ (null)) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const address = `/console/api/${path}${query.size ? `?${query}` : ""}`;
  let response;
  try {
    response = await fetch(address, { method, signal, cache: "no-store", headers: { authorization: `Bearer ${token}` } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "the server does not answer");
  }
  if (!response.ok) throw new Refused(response.status, await said(response));
  return response;
}

async function said(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `the server answered ${response.status}`;
  }
}
