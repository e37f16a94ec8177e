/** The port to the network: one connection that carries whole messages. Adapter: `websocket_link.ts`. */
import type { LinkClosed } from "../errors.js";
import type { Codec, Payload } from "../protocol/codec.js";

/** From the first packet to the open connection. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** An open connection. */
export interface Link {
  /** Bytes that were given to `send` and have not left yet. */
  readonly waitingBytes: number;

  /** Send one message. Whether it arrives, only its answer tells; on a connection that has ended this does nothing. */
  send(payload: Payload): void;

  /** Close it, politely, without waiting. Its listener hears nothing from now on. Twice is harmless. */
  close(): void;
}

/** Who hears what comes. Called from the moment `Connect` is called, and never after `Link.close`. */
export type LinkListener = {
  message(payload: string | Uint8Array): void;
  /** The other side ended it, or it broke (1006); nothing more will come. */
  closed(reason: LinkClosed): void;
};

/**
 * How to open a connection, within `CONNECT_TIMEOUT_MS`.
 *
 * @throws ConfigError: `url` is no address of this kind of connection.
 * @throws Unavailable: nobody answers, or not in this protocol. The text names the address.
 */
export type Connect = (url: string, codec: Codec, listener: LinkListener) => Promise<Link>;
