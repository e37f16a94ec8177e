// The token of this tab, and what it may ask for over HTTP: another device's link, the end of a login.
// A tab keeps its own token, so that two tabs may be two devices; a new tab takes the last one that was used.

import { shortHash } from "./short_hash.js";

const KEY = "syncd.token";

/** The token of this tab; null when nobody signed in. */
export const keptToken = () => sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);

export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
  localStorage.setItem(KEY, token);
}

export function dropToken() {
  if (localStorage.getItem(KEY) === sessionStorage.getItem(KEY)) localStorage.removeItem(KEY);
  sessionStorage.removeItem(KEY);
}

/** The name of a device's store in this browser: its own, whatever other devices are signed in here. */
export const storeOf = (token) => `syncd-${shortHash(token)}`;

export class Login {
  #token;

  constructor(token) {
    this.#token = token;
  }

  /** Make a device of the same account. `fail` gets a sentence; null is returned then. */
  async link(name, fail) {
    const made = await this.#ask("POST", `/v1/devices?name=${encodeURIComponent(name)}`, fail);
    return made && { name: made.name, url: `${location.origin}/#token=${made.token}` };
  }

  /** End the login of a device of the account. */
  async revoke(device, fail) {
    await this.#ask("DELETE", `/v1/devices/${encodeURIComponent(device)}`, fail);
  }

  async #ask(method, path, fail) {
    try {
      const answer = await fetch(path, { method, headers: { authorization: `Bearer ${this.#token}` } });
      const told = await answer.json();
      if (answer.ok) return told;
      fail(`That did not work: ${told.error.message}`);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch's word for "no connection"
      fail("That needs a connection, and there is none");
    }
    return null;
  }
}
