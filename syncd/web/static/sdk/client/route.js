import { ConfigError, Unavailable } from "../errors.js";
const ASK_TIMEOUT_MS = 5_000;
const TRIED_MAX = 16;
export class Route {
    address;
    ask;
    #asks;
    #advised = null;
    #last = null;
    #tried = new Set();
    constructor(address, ask = askOverHttp) {
        this.address = address;
        this.ask = ask;
        const scheme = schemeOf(address);
        if (!SOCKET_SCHEMES.has(scheme) && !HTTP_SCHEMES.has(scheme)) {
            throw new ConfigError(`${address} is not an address like ws://host:port/v1/sync or http://host:port`);
        }
        this.#asks = HTTP_SCHEMES.has(scheme);
    }
    async next(token) {
        const advised = this.#advised;
        this.#advised = null;
        const next = advised ?? (this.#asks ? await this.#asked(token) : this.address);
        this.#last = next;
        this.#tried.delete(next);
        this.#tried.add(next);
        if (this.#tried.size > TRIED_MAX)
            this.#tried.delete([...this.#tried][0]);
        return next;
    }
    advise(url) {
        this.#advised = url;
    }
    worked() {
        this.#tried.clear();
    }
    async #asked(token) {
        try {
            return await this.ask(this.address, token, [...this.#tried]);
        }
        catch (error) {
            if (!(error instanceof Unavailable) || this.#last === null || this.#tried.has(this.#last))
                throw error;
            return this.#last;
        }
    }
}
const SOCKET_SCHEMES = new Set(["ws:", "wss:"]);
const HTTP_SCHEMES = new Set(["http:", "https:"]);
function schemeOf(address) {
    try {
        return new URL(address).protocol;
    }
    catch {
        return "";
    }
}
export const askOverHttp = async (address, token, avoid) => {
    const url = new URL(`${address.replace(/\/+$/, "")}/v1/connect`);
    for (const each of avoid)
        url.searchParams.append("avoid", each);
    let named;
    try {
        const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
        const answer = await fetch(url, { headers, signal: AbortSignal.timeout(ASK_TIMEOUT_MS), cache: "no-store" });
        if (!answer.ok)
            throw new Unavailable(`${address}: /v1/connect answered ${answer.status}`);
        named = (await answer.json())?.url;
    }
    catch (cause) {
        if (cause instanceof Unavailable)
            throw cause;
        throw new Unavailable(`${address}: ${String(cause)}`, { cause });
    }
    if (typeof named !== "string" || !SOCKET_SCHEMES.has(schemeOf(named))) {
        throw new Unavailable(`${address}: /v1/connect names no websocket: ${String(named).slice(0, 200)}`);
    }
    return named;
};
