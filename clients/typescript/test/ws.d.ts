// The part of the package `ws` that tests use; it brings no types of its own.
declare module "ws" {
  import type { EventEmitter } from "node:events";

  /** It has the face of a browser's. */
  export const WebSocket: typeof globalThis.WebSocket;

  export interface Accepted extends EventEmitter {
    readonly protocol: string;
    send(payload: string): void;
    close(code: number, reason?: string): void;
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: { port: number; host: string; handleProtocols?: () => string });
    address(): { port: number };
    close(): void;
    readonly clients: ReadonlySet<Accepted>;
  }
}
