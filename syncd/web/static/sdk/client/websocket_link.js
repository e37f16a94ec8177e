import { ConfigError, LinkClosed, Unavailable } from "../errors.js";
import { FRAME_BYTES_MAX } from "../limits.js";
import { ABNORMAL } from "../schemas/close_codes.js";
import { CONNECT_TIMEOUT_MS } from "./link.js";
const MESSAGE_BYTES_MAX = 4 * FRAME_BYTES_MAX;
const NORMAL = 1000;
export function webSocketConnect(given = globalThis.WebSocket) {
    if (typeof given !== "function") {
        throw new ConfigError("no WebSocket here; give one to Device.open({ WebSocket }), that of the package ws for one");
    }
    const Socket = given;
    return async (url, codec, listener) => {
        const link = new WebSocketLink(socketOf(Socket, url, codec), url, codec, listener);
        await link.opened;
        return link;
    };
}
function socketOf(Socket, url, codec) {
    try {
        return new Socket(url, [codec.subprotocol]);
    }
    catch (cause) {
        throw new ConfigError(`${url} is not an address like ws://host:port/v1/sync: ${String(cause)}`, { cause });
    }
}
class WebSocketLink {
    opened;
    #socket;
    constructor(socket, url, codec, listener) {
        this.#socket = socket;
        socket.binaryType = "arraybuffer";
        this.opened = new Promise((resolve, reject) => {
            const fail = (why) => {
                clearTimeout(deadline);
                this.close();
                reject(new Unavailable(`${url}: ${why}`));
            };
            const deadline = setTimeout(() => fail(`no answer for ${CONNECT_TIMEOUT_MS / 1_000} s`), CONNECT_TIMEOUT_MS);
            socket.onerror = () => fail("no connection");
            socket.onclose = ({ code, reason }) => fail(reason === "" ? `no connection (${code})` : reason);
            socket.onopen = () => {
                if (socket.protocol !== codec.subprotocol)
                    return fail(`it does not speak ${codec.subprotocol}`);
                clearTimeout(deadline);
                socket.onclose = ({ code, reason }) => this.#end(listener, code, reason);
                socket.onerror = () => this.#end(listener, ABNORMAL, "the connection broke");
                resolve();
            };
        });
        socket.onmessage = ({ data }) => {
            const payload = typeof data === "string" ? data : new Uint8Array(data);
            if (payload.length <= MESSAGE_BYTES_MAX)
                return listener.message(payload);
            this.#end(listener, ABNORMAL, `the server sent ${payload.length} bytes at once; at most ${MESSAGE_BYTES_MAX} are taken`);
        };
    }
    get waitingBytes() {
        return this.#socket.bufferedAmount;
    }
    send(payload) {
        this.#socket.send(payload);
    }
    close() {
        this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
        this.#socket.onerror = () => undefined;
        this.#socket.close(NORMAL);
    }
    #end(listener, code, reason) {
        this.close();
        listener.closed(new LinkClosed(code, reason));
    }
}
