/** A gateway of tests on real sockets, in JSON: it says what a test has it say, and remembers what it heard. */
import assert from "node:assert/strict";
import { WebSocket, WebSocketServer, type Accepted } from "ws";
import { Device, type DeviceOptions } from "../../src/client/device.js";
import type { ClientMessage, EmittedEvent, Hello, ServerMessage, StreamWelcome } from "../../src/schemas/messages.js";
import { ACCOUNT, DEVICE, WRITER } from "./desk.js";

/** For anything that a device should do, on a busy machine. */
const PATIENCE_MS = 30_000;
const LIMITS = { frame_bytes: 262_144, event_bytes: 65_536, emit_events: 256, subscriptions: 1_000 };

type OfType<T extends ClientMessage["type"]> = Extract<ClientMessage, { type: T }>;

/** One connection, as the gateway has it. */
export class Connection {
  readonly #heard: ClientMessage[] = [];
  #news: () => void = () => undefined;
  isOpen = true;

  constructor(readonly socket: Accepted) {
    socket.on("message", (payload: Buffer) => {
      this.#heard.push(JSON.parse(String(payload)) as ClientMessage);
      this.#news();
    });
    socket.on("close", () => {
      this.isOpen = false;
      this.#news();
    });
  }

  /** The next message of a type; those of other types before it are passed over. */
  async next<T extends ClientMessage["type"]>(type: T): Promise<OfType<T>> {
    const place = await this.#until(() => {
      const found = this.#heard.findIndex((message) => message.type === type);
      return found === -1 ? null : found;
    }, `a message of type ${type}`);
    return this.#heard.splice(0, place + 1).at(-1) as OfType<T>;
  }

  /** How many messages of a type were heard and not passed over. */
  count(type: ClientMessage["type"]): number {
    return this.#heard.filter((message) => message.type === type).length;
  }

  /** Wait until the device has closed it. */
  async closed(): Promise<void> {
    await this.#until(() => (this.isOpen ? null : true), "the end of the connection");
  }

  say(message: ServerMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Hear the hello, and answer as it is given; the own stream comes as a snapshot, or goes on as a tail. */
  async welcome({ resume = "snapshot", writer = WRITER, next_seq = 1 }: Partial<StreamWelcome> & { writer?: string } = {}): Promise<Hello> {
    const hello = await this.next("hello");
    const streams = hello.streams.map(() => ({ stream: `a:${ACCOUNT}`, next_seq, resume }));
    this.say({ type: "welcome", writer, account: ACCOUNT, device: DEVICE, now_ms: Date.now(), streams, limits: LIMITS });
    if (resume === "snapshot") {
      this.say({ type: "snapshot", stream: `a:${ACCOUNT}`, cells: [], part: 0, last: true, cursor: "c1" });
    }
    return hello;
  }

  /** Admit events as they were made. */
  ack(events: readonly EmittedEvent[], writer = WRITER): void {
    const acks = events.map(({ seq, t }) => ({ stream: `a:${ACCOUNT}`, writer, seq, t }));
    this.say({ type: "ack", acks });
  }

  async #until<T>(found: () => T | null, what: string): Promise<T> {
    const untilMs = performance.now() + PATIENCE_MS;
    for (let now = found(); ; now = found()) {
      if (now !== null) return now;
      assert.ok(performance.now() < untilMs, `${what} did not come within ${PATIENCE_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS);
        this.#news = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

export class Gateway {
  readonly #server: WebSocketServer;
  readonly #waiting: Connection[] = [];
  #came: () => void = () => undefined;
  #count = 0;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.#server.on("connection", (socket: Accepted) => {
      this.#count++;
      this.#waiting.push(new Connection(socket));
      this.#came();
    });
  }

  /** `speaks`: the subprotocol that it agrees to. */
  static async start(speaks = "syncd.v1.json"): Promise<Gateway> {
    const handleProtocols = (): string => speaks;
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols });
    await new Promise((resolve) => server.on("listening", resolve));
    return new Gateway(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#server.address().port}/v1/sync`;
  }

  /** How many connections there ever were. */
  get count(): number {
    return this.#count;
  }

  /** The next connection. */
  async next(): Promise<Connection> {
    if (this.#waiting.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`nobody connected within ${PATIENCE_MS} ms`)), PATIENCE_MS);
        this.#came = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#waiting.shift()!;
  }

  close(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }
}

/** Play a story between gateways and a device that was given the first one's address; its waits are as short as can be. */
export async function play(
  story: (device: Device, gateway: Gateway) => Promise<void>,
  { speaks, ...options }: Partial<DeviceOptions> & { speaks?: string } = {},
): Promise<void> {
  const gateway = await Gateway.start(speaks);
  const device = await Device.open({ url: gateway.url, token: "token-1", format: "json", WebSocket, rng: () => 0, ...options });
  try {
    await story(device, gateway);
  } finally {
    await device.close();
    gateway.close();
  }
}
