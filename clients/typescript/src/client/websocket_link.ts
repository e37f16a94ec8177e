/** The link over a websocket: the one of browsers, that of Node 22 and newer, or any class with their face, as `ws` has. */
import { ConfigError, LinkClosed, Unavailable } from "../errors.js";
import { FRAME_BYTES_MAX } from "../limits.js";
import type { Codec, Payload } from "../protocol/codec.js";
import { ABNORMAL } from "../schemas/close_codes.js";
import { CONNECT_TIMEOUT_MS, type Connect, type Link, type LinkListener } from "./link.js";

/** The largest message taken from a server; its own stay below `FRAME_BYTES_MAX`, a later version's may be larger. */
const MESSAGE_BYTES_MAX = 4 * FRAME_BYTES_MAX;
/** A goodbye that says nothing in particular; browsers allow a page no other below 3000. */
const NORMAL = 1000;

/** What opens websockets of this class. @throws ConfigError: there is no such class here. */
export function webSocketConnect(given: typeof WebSocket | undefined = globalThis.WebSocket): Connect {
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

function socketOf(Socket: typeof WebSocket, url: string, codec: Codec): WebSocket {
  try {
    return new Socket(url, [codec.subprotocol]);
  } catch (cause) {
    throw new ConfigError(`${url} is not an address like ws://host:port/v1/sync: ${String(cause)}`, { cause });
  }
}

class WebSocketLink implements Link {
  /** Rejects with `Unavailable` when it never does. */
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, url: string, codec: Codec, listener: LinkListener) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.opened = new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(deadline);
        this.close();
        reject(new Unavailable(`${url}: ${why}`));
      };
      const deadline = setTimeout(() => fail(`no answer for ${CONNECT_TIMEOUT_MS / 1_000} s`), CONNECT_TIMEOUT_MS);
      // Browsers close after an error, and say no more; Node 20 only tells the error.
      socket.onerror = () => fail("no connection");
      socket.onclose = ({ code, reason }) => fail(reason === "" ? `no connection (${code})` : reason);
      socket.onopen = () => {
        if (socket.protocol !== codec.subprotocol) return fail(`it does not speak ${codec.subprotocol}`);
        clearTimeout(deadline);
        socket.onclose = ({ code, reason }) => this.#end(listener, code, reason);
        socket.onerror = () => this.#end(listener, ABNORMAL, "the connection broke");
        resolve();
      };
    });
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      const payload = typeof data === "string" ? data : new Uint8Array(data);
      if (payload.length <= MESSAGE_BYTES_MAX) return listener.message(payload);
      this.#end(listener, ABNORMAL, `the server sent ${payload.length} bytes at once; at most ${MESSAGE_BYTES_MAX} are taken`);
    };
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(payload: Payload): void {
    this.#socket.send(payload);
  }

  close(): void {
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.onerror = () => undefined; // of a socket that is closed before it was open, in Node
    this.#socket.close(NORMAL);
  }

  #end(listener: LinkListener, code: number, reason: string): void {
    this.close();
    listener.closed(new LinkClosed(code, reason));
  }
}
