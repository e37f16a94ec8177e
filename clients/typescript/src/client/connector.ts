/**
 * Keeps a device connected: when to try, as whom, and what to do after each end.
 *
 *     connecting --welcome, all in step--> connected
 *     connecting, connected --the connection ended--> offline --backoff--> connecting
 *     (any) --42xx--> login needed --renew()--> connecting
 *     (any) --45xx, another account--> stopped
 *
 * Before `run` it stands at "standby": another tab holds the connection, or nobody does yet. Source: design.md section 6.
 */
import {
  ConfigError,
  FencedOut,
  LinkClosed,
  OtherAccount,
  ProtocolError,
  SyncdError,
  Unauthenticated,
  WriterLost,
} from "../errors.js";
import { dutyAfter } from "../protocol/close_codes.js";
import type { Codec } from "../protocol/codec.js";
import { Backoff } from "./backoff.js";
import { Conversation, type ConversationListener } from "./conversation.js";
import type { Connect } from "./link.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import { Reissue } from "./reissue.js";
import type { Route } from "./route.js";

/** Where the connection of a device stands; see the module's picture. */
export type DeviceState = "standby" | "connecting" | "connected" | "offline" | "login needed" | "stopped" | "closed";

/** What a connector needs, all of it for as long as it lives. */
export type ConnectorParts = {
  readonly local: LocalState;
  readonly lists: Lists;
  readonly listener: ConversationListener;
  readonly route: Route;
  readonly client: string;
  readonly codec: Codec;
  readonly connect: Connect;
  /** 0 up to but not including 1. */
  readonly rng: () => number;
  /** The state, or the error, is another one. */
  readonly onState: () => void;
};

export class Connector {
  state: DeviceState = "standby";
  /** Why the last connection ended, or could not be made; null while there was none. */
  error: SyncdError | null = null;
  /** The present one. */
  conversation: Conversation | null = null;
  readonly #parts: ConnectorParts;
  readonly #backoff: Backoff;
  #token: string;
  #withWriter = true;
  /** Ends the present wait. */
  #goOn: () => void = () => undefined;

  constructor(parts: ConnectorParts, token: string) {
    this.#parts = parts;
    this.#token = token;
    this.#backoff = new Backoff(parts.rng);
  }

  /**
   * Stay connected until `signal` aborts, or until coming back makes no sense.
   *
   * @throws FencedOut: another tab took over.
   * @throws whatever is no `SyncdError`: a mistake of ours.
   */
  async run(signal: AbortSignal): Promise<void> {
    const leave = (): void => {
      this.conversation?.stop(new Left());
      this.#goOn();
    };
    signal.addEventListener("abort", leave);
    try {
      while (!signal.aborted && (await this.#once(signal)));
    } finally {
      signal.removeEventListener("abort", leave);
      if (signal.aborted) this.state = "standby"; // and another tab tells how it stands
    }
  }

  /** The token that is tried. */
  get token(): string {
    return this.#token;
  }

  /** Go on with another token of the same account. */
  renew(token: string): void {
    this.#token = token;
    if (this.state !== "login needed") return;
    this.become("connecting"); // now, not in a moment: whoever asked may wait for what comes of it
    this.#goOn();
  }

  /** Try now: the network came back, or somebody is waiting. */
  hurry(): void {
    if (this.state === "offline") this.#goOn();
  }

  /** Everything that is wanted is in step. */
  caughtUp(): void {
    if (this.state === "connecting") this.become("connected");
  }

  become(state: DeviceState, error: SyncdError | null = this.error): void {
    if (state === this.state && error === this.error) return;
    this.state = state;
    this.error = error;
    this.#parts.onState();
  }

  // --- inside ---

  /** One connection, from the attempt to its end, and the wait before the next. False when coming back makes no sense. */
  async #once(signal: AbortSignal): Promise<boolean> {
    this.become("connecting");
    const conversation = this.#conversation();
    this.conversation = conversation;
    const { route, codec, connect, client } = this.#parts;
    try {
      const url = await route.next(this.#token);
      if (signal.aborted) return false;
      const hello = { token: this.#token, client, withWriter: this.#withWriter };
      return await conversation.run((listener) => connect(url, codec, listener), hello);
    } catch (error) {
      if (signal.aborted || error instanceof Left) return false;
      if (error instanceof FencedOut || !(error instanceof SyncdError)) throw error;
      this.#learn(conversation);
      return await this.#after(error, conversation);
    } finally {
      this.conversation = null;
    }
  }

  #conversation(): Conversation {
    const { local, lists, codec, listener, rng } = this.#parts;
    return new Conversation(local, new Reissue(local, lists), codec, listener, rng);
  }

  /** What a connection that has ended tells about the next. */
  #learn({ livedMs, drain }: Conversation): void {
    if (livedMs !== null) {
      this.#withWriter = true;
      this.#backoff.steady(livedMs);
      this.#parts.route.worked();
    }
    if (drain !== null) this.#parts.route.advise(drain.url ?? null);
  }

  async #after(error: SyncdError, { drain, drainWaitMs }: Conversation): Promise<boolean> {
    this.conversation = null;
    if (error instanceof OtherAccount || error instanceof ConfigError) return this.#stop(error);
    if (error instanceof WriterLost) this.#withWriter = false;
    switch (error instanceof LinkClosed ? dutyAfter(error.close) : "resume") {
      case "stay_away":
        return this.#stop(new ProtocolError(error.message));
      case "renew_login":
        this.become("login needed", new Unauthenticated(error.message));
        await this.#pause(null);
        return true;
      case "renew_writer":
        this.#withWriter = false;
        this.#dropCursors();
        break;
      case "snapshot":
        this.#dropCursors();
        break;
      case "resume":
        break;
    }
    this.become("offline", error);
    await this.#pause(drain === null ? this.#backoff.nextMs() : drainWaitMs);
    return true;
  }

  #stop(error: SyncdError): false {
    this.become("stopped", error);
    return false;
  }

  #dropCursors(): void {
    for (const { stream } of this.#parts.local.replicas) this.#parts.local.dropCursor(stream);
  }

  /** Wait so long, or until told to go on; null is for as long as that takes. */
  #pause(delayMs: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = delayMs === null ? null : setTimeout(resolve, delayMs);
      this.#goOn = () => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** This tab gives the connection up; nobody hears of it. */
class Left extends Error {}
