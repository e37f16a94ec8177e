import { Refused, Unauthenticated, Unavailable } from "../errors.js";
const TIMEOUT_MS = 10_000;
export async function linkDevice(as, name) {
    const made = await ask(as, "POST", `/v1/devices?name=${encodeURIComponent(name)}`);
    const { device, account, token, name: called } = made;
    return { device, account, token, name: called, link: `${base(as)}/#token=${token}` };
}
export async function revokeDevice(as, device) {
    await ask(as, "DELETE", `/v1/devices/${encodeURIComponent(device)}`);
}
async function ask(as, method, path) {
    const { token } = as;
    let answer;
    let told;
    try {
        const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
        answer = await fetch(`${base(as)}${path}`, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
        told = (await answer.json());
    }
    catch (cause) {
        throw new Unavailable(`${as.url}: ${String(cause)}`, { cause });
    }
    if (answer.ok)
        return told;
    const message = told.error?.message ?? `${method} ${path} was answered by ${answer.status}`;
    if (answer.status === 401)
        throw new Unauthenticated(message);
    throw answer.status >= 500 ? new Unavailable(message) : new Refused(message);
}
function base({ url }) {
    return url.replace(/\/+$/, "");
}
