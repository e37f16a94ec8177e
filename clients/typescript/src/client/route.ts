/**
 * Where a device connects next.
 *
 * It is given one address: of websockets (`ws://`, `wss://`), or of a server (`http://`, `https://`) that knows which
 * gateway is best for its account, and is asked before every connection. A gateway that goes down may name another one
 * for the next attempt. Those that gave no welcome are passed over until one does.
 */
import { ConfigError, Unavailable } from "../errors.js";

/** For one look at `/v1/connect`; it takes a few ms, or no time at all where nobody listens. */
const ASK_TIMEOUT_MS = 5_000;
/** Addresses that are passed over; with so many gone, the first may be back. */
const TRIED_MAX = 16;

/**
 * How to ask a server: the websocket's address of the gateway to use, none of `avoid` if there is another.
 *
 * @throws Unavailable: no answer, or none that names a gateway; the text says which.
 */
export type Ask = (address: string, token: string, avoid: readonly string[]) => Promise<string>;

export class Route {
  readonly #asks: boolean;
  #advised: string | null = null;
  #last: string | null = null;
  /** Since the last welcome, the newest last. */
  readonly #tried = new Set<string>();

  /** @throws ConfigError: the address is of neither kind. */
  constructor(
    readonly address: string,
    readonly ask: Ask = askOverHttp,
  ) {
    const scheme = schemeOf(address);
    if (!SOCKET_SCHEMES.has(scheme) && !HTTP_SCHEMES.has(scheme)) {
      throw new ConfigError(`${address} is not an address like ws://host:port/v1/sync or http://host:port`);
    }
    this.#asks = HTTP_SCHEMES.has(scheme);
  }

  /** The address of the websocket to try now. @throws Unavailable: nobody knows one. */
  async next(token: string): Promise<string> {
    const advised = this.#advised;
    this.#advised = null;
    const next = advised ?? (this.#asks ? await this.#asked(token) : this.address);
    this.#last = next;
    this.#tried.delete(next);
    this.#tried.add(next);
    if (this.#tried.size > TRIED_MAX) this.#tried.delete([...this.#tried][0]!);
    return next;
  }

  /** The gateway that we are leaving names the next one; null: it knows no better. */
  advise(url: string | null): void {
    this.#advised = url;
  }

  /** There was a welcome: nothing is passed over any more. */
  worked(): void {
    this.#tried.clear();
  }

  async #asked(token: string): Promise<string> {
    try {
      return await this.ask(this.address, token, [...this.#tried]);
    } catch (error) {
      // Whoever knows the way is away; the gateway that we know may not be.
      if (!(error instanceof Unavailable) || this.#last === null || this.#tried.has(this.#last)) throw error;
      return this.#last;
    }
  }
}

const SOCKET_SCHEMES: ReadonlySet<string> = new Set(["ws:", "wss:"]);
const HTTP_SCHEMES: ReadonlySet<string> = new Set(["http:", "https:"]);

function schemeOf(address: string): string {
  try {
    return new URL(address).protocol;
  } catch {
    return ""; // no address at all, and refused as such
  }
}

/** As `Ask`. The time it may take bounds what it may bring. */
export const askOverHttp: Ask = async (address, token, avoid) => {
  const url = new URL(`${address.replace(/\/+$/, "")}/v1/connect`);
  for (const each of avoid) url.searchParams.append("avoid", each);
  let named: unknown;
  try {
    const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(ASK_TIMEOUT_MS), cache: "no-store" });
    if (!answer.ok) throw new Unavailable(`${address}: /v1/connect answered ${answer.status}`);
    named = ((await answer.json()) as { url?: unknown } | null)?.url;
  } catch (cause) {
    if (cause instanceof Unavailable) throw cause;
    throw new Unavailable(`${address}: ${String(cause)}`, { cause });
  }
  if (typeof named !== "string" || !SOCKET_SCHEMES.has(schemeOf(named))) {
    throw new Unavailable(`${address}: /v1/connect names no websocket: ${String(named).slice(0, 200)}`);
  }
  return named;
};
