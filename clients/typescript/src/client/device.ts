/** A device: the whole SDK behind one object. */
import { ConfigError, FencedOut, NotReady, NotSettled, StoreBusy, TimedOut, Unavailable } from "../errors.js";
import { CODECS, type Format } from "../protocol/codec.js";
import { OWN_STREAM, type Heard } from "../protocol/client_session.js";
import { adoptIfFree } from "./adoption.js";
import { SystemDeviceClock, type DeviceClock } from "./clocks.js";
import type { DeviceState } from "./connector.js";
import { Engine, type EngineParts } from "./engine.js";
import { Face } from "./face.js";
import { onHints } from "./hints.js";
import { IndexedDbStore } from "./indexeddb_store.js";
import { Leadership } from "./leadership.js";
import type { Connect } from "./link.js";
import { LocalState } from "./local_state.js";
import { MemoryStore } from "./memory_store.js";
import { Route } from "./route.js";
import type { Store } from "./store.js";
import type { Failure } from "./tab_words.js";
import type { Sources } from "./upcoming.js";
import { webSocketConnect } from "./websocket_link.js";

/** How long to wait when the caller does not say: longer than a restart of the server takes. */
const TIMEOUT_MS = 30_000;
/** Between two comparisons of digests while changes are still under way. */
const VERIFY_POLL_MS = 200;
const CLIENT = "syncd-js/0.1.0";

export type DeviceOptions = {
  /**
   * `http://host:port` (`https://…`) of a server, which is asked for the best gateway before each connection, or
   * `ws://host:port/v1/sync` (`wss://…`) of one gateway.
   */
  readonly url: string;
  /** Of the device, as a device link holds it; see `readLink`. */
  readonly token: string;
  /**
   * Where it keeps what it knows and owes: the name of an IndexedDB database, which all tabs of an origin may have, or a
   * store of your own. Without it everything is kept in memory, and forgotten.
   */
  readonly store?: string | Store | undefined;
  /** Of the wire; MessagePack if not given. */
  readonly format?: Format | undefined;
  /** Name and version of the program, for the server's logs. */
  readonly client?: string | undefined;
  /** What the app plays from, if not playlists and lists of tracks. */
  readonly contexts?: Sources["contexts"];
  /** What to play when nothing is left. */
  readonly radio?: Sources["radio"];
  /** The class of websockets, where there is none (Node 20) or another one is wanted. */
  readonly WebSocket?: typeof WebSocket | undefined;
  /** Ports, for tests. */
  readonly connect?: Connect | undefined;
  readonly clock?: DeviceClock | undefined;
  readonly rng?: (() => number) | undefined;
};

/** How long to wait, in ms; without it half a minute. */
export type Patience = { readonly timeoutMs?: number | undefined };

/** A comparison of one stream, here and at the server. */
export type Verified = {
  readonly stream: string;
  /** Digests: 16 hex digits. */
  readonly ours: string;
  readonly theirs: string;
  /** How many cells the server has. */
  readonly cells: number;
  readonly agrees: boolean;
};

/**
 * One device of one account.
 *
 *     const device = await Device.open({ url, token, store: "music" });
 *     await device.ready();
 *     device.queue.add("track-1");
 *     await device.settled();
 *
 * Until it is closed it keeps itself connected; actions and views work with and without a connection. What was done is in
 * the store, and is sent by whoever opens that store next. All tabs with one store are one device: one of them holds the
 * connection, the others act and show through it.
 */
export class Device extends Face {
  readonly #engine: Engine;
  readonly #channel: BroadcastChannel | null;
  readonly #endHints: () => void;
  #wasInStep = false;

  private constructor(state: LocalState, parts: EngineParts, { contexts, radio }: DeviceOptions) {
    super(state, { contexts, radio, isConnected: () => this.connected });
    this.#channel = parts.channel;
    this.#engine = new Engine(state, this.lists, {
      wanted: () => this.wantedStreams(),
      inStep: () => this.#inStep(),
      stepped: () => this.fenced.check(),
      refused: (refusal) => this.tellRefused(refusal),
      presence: (present) => this.tellPresence(present),
    }, parts); // prettier-ignore
    this.#endHints = onHints(() => this.#engine.look());
  }

  /**
   * Open the store: when this resolves, the views show what is in it. Connecting goes on by itself.
   *
   * @throws ConfigError: the url is of no kind that is known, or something is missing here: IndexedDB, a WebSocket.
   * @throws StoreBusy: the store cannot be opened.
   */
  static async open(options: DeviceOptions): Promise<Device> {
    const { url, token, format = "msgpack", client = CLIENT, clock = new SystemDeviceClock(), rng = Math.random } = options;
    if (token === "") throw new ConfigError("the token is empty; a device link holds one, see readLink");
    const route = new Route(url);
    const connect = options.connect ?? webSocketConnect(options.WebSocket);
    const codec = CODECS[format];
    const store = await storeOf(options.store);
    const name = store.name === null || typeof BroadcastChannel === "undefined" ? null : `syncd ${store.name}`;
    const channel = name === null ? null : new BroadcastChannel(name);
    const leadership = name === null ? null : new Leadership(name, globalThis.navigator?.locks ?? null);
    // With the lead before the store is read, it need not be read again.
    const lead = leadership === null ? new AbortController().signal : await leadership.tryNow();
    try {
      const state = await LocalState.open(store, clock);
      const device = new Device(state, { route, client, codec, connect, rng, token, channel, leadership }, options);
      device.#engine.start(lead);
      return device;
    } catch (error) {
      channel?.close();
      leadership?.release();
      throw error;
    }
  }

  // --- its life ---

  /** Disconnect, and close the store. What is not answered stays in it. Twice is harmless. */
  async close(): Promise<void> {
    this.#endHints();
    await this.#engine.stop();
    try {
      await this.local.close();
    } catch (error) {
      // What the server confirmed will be said again to the next who opens the store.
      if (!(error instanceof StoreBusy || error instanceof FencedOut)) throw error;
    }
    this.#channel?.close();
  }

  /**
   * Wait until this device was in step with the server once since it was opened.
   *
   * @throws NotReady: it was not, in time; or it will never be, and the text says why.
   */
  async ready(patience: Patience = {}): Promise<void> {
    await this.#wait(() => this.#isReady, NotReady, "the device is not in step with the server", patience);
  }

  /** Wait until every own event is answered. @throws NotSettled: some are not, in time; they stay in the store. */
  async settled(patience: Patience = {}): Promise<void> {
    await this.#wait(() => this.owed === 0, NotSettled, "own events have no answer yet", patience);
  }

  /** Wait until everything that was done here is in the store. */
  stored(): Promise<void> {
    return this.local.stored();
  }

  /**
   * Wait until a condition on what this device shows holds; it is asked again after every change.
   *
   * @throws TimedOut: it did not, in time.
   */
  until(condition: () => boolean, { timeoutMs = TIMEOUT_MS }: Patience = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          if (!condition()) return;
          end(resolve);
        } catch (error) {
          end(() => reject(error));
        }
      };
      const end = (then: () => void): void => {
        clearTimeout(timer);
        for (const each of ends) each();
        then();
      };
      const ends = [this.onChange(look), this.onState(look)];
      const late = (): void => reject(new TimedOut(`it did not come true within ${timeoutMs / 1_000} s`));
      const timer = setTimeout(() => end(late), timeoutMs);
      look();
    });
  }

  /**
   * Compare this device's cells of a stream with the server's, by their digests. Changes that are under way make them
   * differ for a moment, so it is tried again until they agree.
   *
   * @returns The last comparison, also when the time is over and they do not agree.
   * @throws Unavailable: there was no comparison, because the server did not answer.
   */
  async verify(name: string = OWN_STREAM, { timeoutMs = TIMEOUT_MS }: Patience = {}): Promise<Verified> {
    const { stream } = this.local.replicas.get(name);
    const untilMs = performance.now() + timeoutMs;
    let found: Verified | null = null;
    let why = "not connected";
    while (performance.now() < untilMs && found?.agrees !== true) {
      try {
        const compared = await this.#engine.compare(stream);
        found = { stream, ...compared, agrees: compared.ours === compared.theirs };
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        why = error.message;
      }
      if (found?.agrees !== true) await new Promise((resolve) => setTimeout(resolve, VERIFY_POLL_MS));
    }
    if (found === null) throw new Unavailable(`no digest of ${stream} within ${timeoutMs / 1_000} s: ${why}`);
    return found;
  }

  // --- its connection ---

  /** Where the connection stands, whichever tab holds it; see `connector.ts`. */
  get state(): DeviceState {
    return this.#engine.state;
  }

  /** Whether this device is in step with the server, as far as it knows. */
  get connected(): boolean {
    return this.state === "connected";
  }

  /** Why the last connection ended, or could not be made. */
  get error(): Failure | null {
    return this.#engine.error;
  }

  /** Whether this tab is the one with the connection. */
  get holdsSocket(): boolean {
    return this.#engine.holdsSocket;
  }

  /** Go on with another token of the same account, after the state "login needed". */
  renew(token: string): void {
    this.#engine.do({ what: "renew", token });
  }

  /** Try to connect now, or find out whether the connection still stands. Browsers' own hints are heeded anyway. */
  hurry(): void {
    this.#engine.look();
  }

  /** Have the whole of one stream sent again, as when `verify` finds it different for no reason you know of. */
  takeAgain(name: string = OWN_STREAM): void {
    this.#engine.do({ what: "take again", stream: this.local.replicas.get(name).stream });
  }

  /** Call `callback` after changes of `state`, `error`, `owed`, `presence`, `holdsSocket`. Returns what ends that. */
  onState(callback: () => void): () => void {
    return this.#engine.onState.add(callback);
  }

  /** Call `callback` with every message of the server that this tab took in. Returns what ends that. */
  onMessage(callback: (heard: Heard) => void): () => void {
    return this.#engine.onMessage.add(callback);
  }

  // --- inside ---

  get #isReady(): boolean {
    const follows = !this.holdsSocket && this.connected && this.local.replicas.own.cursor !== null;
    return this.#wasInStep || follows;
  }

  #inStep(): void {
    this.#wasInStep = true;
    adoptIfFree(this.player);
  }

  async #wait(condition: () => boolean, Failed: typeof NotReady | typeof NotSettled, what: string, patience: Patience): Promise<void> {
    const why = (): string => (this.error === null ? this.state : `${this.state}, ${this.error.message}`);
    const isHopeless = (): boolean => ["login needed", "stopped", "closed"].includes(this.state);
    try {
      await this.until(() => condition() || isHopeless(), patience);
    } catch (cause) {
      if (!(cause instanceof TimedOut)) throw cause;
      throw new Failed(`${what} after ${(patience.timeoutMs ?? TIMEOUT_MS) / 1_000} s: ${why()}`, { cause });
    }
    if (!condition()) throw new Failed(`${what}: ${why()}`);
  }
}

async function storeOf(store: string | Store | undefined): Promise<Store> {
  if (store === undefined) return new MemoryStore();
  return typeof store === "string" ? IndexedDbStore.open(store) : store;
}
