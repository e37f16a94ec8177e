/**
 * Other devices of the account, over HTTP: link one more, end the login of one.
 *
 * Everything else goes through the socket. Source: syncd/api/device_routes.py.
 */
import { Refused, Unauthenticated, Unavailable } from "../errors.js";

/** Of a request and its answer. */
const TIMEOUT_MS = 10_000;

/** The server (`http(s)://host:port`), and a device of the account that asks. */
export type AsDevice = { readonly url: string; readonly token: string };

/** A device that was just linked. The token is told once and never again. */
export type LinkedDevice = {
  readonly device: string;
  readonly account: string;
  readonly name: string;
  readonly token: string;
  /** What people open on it, or paste; see `readLink`. */
  readonly link: string;
};

/**
 * Link one more device to the account of the one that asks.
 *
 * @throws Unavailable: the server does not answer. @throws Unauthenticated: the token does not stand.
 * @throws Refused: the name is unusable, or there are too many devices; the text says which.
 */
export async function linkDevice(as: AsDevice, name: string): Promise<LinkedDevice> {
  const made = await ask(as, "POST", `/v1/devices?name=${encodeURIComponent(name)}`);
  const { device, account, token, name: called } = made as Omit<LinkedDevice, "link">;
  return { device, account, token, name: called, link: `${base(as)}/#token=${token}` };
}

/** End the login of a device of the account, for good. @throws as `linkDevice`; Refused: there is no such device. */
export async function revokeDevice(as: AsDevice, device: string): Promise<void> {
  await ask(as, "DELETE", `/v1/devices/${encodeURIComponent(device)}`);
}

async function ask(as: AsDevice, method: string, path: string): Promise<unknown> {
  const { token } = as;
  let answer: Response;
  let told: { readonly error?: { readonly message?: string } };
  try {
    const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
    answer = await fetch(`${base(as)}${path}`, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    told = (await answer.json()) as typeof told;
  } catch (cause) {
    throw new Unavailable(`${as.url}: ${String(cause)}`, { cause });
  }
  if (answer.ok) return told;
  const message = told.error?.message ?? `${method} ${path} was answered by ${answer.status}`;
  if (answer.status === 401) throw new Unauthenticated(message);
  throw answer.status >= 500 ? new Unavailable(message) : new Refused(message);
}

function base({ url }: AsDevice): string {
  return url.replace(/\/+$/, "");
}
