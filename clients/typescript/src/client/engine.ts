/**
 * What keeps a device in step with the server: as the tab that holds the connection, or behind the one that does.
 *
 * `Device` puts an app's words on it; the views and actions are those of `Face`.
 */
import { SyncdError, Unavailable } from "../errors.js";
import { SUBSCRIPTIONS_MAX } from "../limits.js";
import { OWN_STREAM, type Heard } from "../protocol/client_session.js";
import type { Presence } from "../schemas/messages.js";
import { Callbacks } from "./callbacks.js";
import type { Refusal } from "./change.js";
import { Connector, type ConnectorParts, type DeviceState } from "./connector.js";
import type { ConversationListener } from "./conversation.js";
import type { Leadership } from "./leadership.js";
import type { Lists } from "./lists.js";
import type { LocalState } from "./local_state.js";
import type { DigestAnswer, Failure, Order, Status } from "./tab_words.js";
import { Tabs, type Host } from "./tabs.js";

/** What the device does when the engine gets on. */
export type EngineListener = {
  /** The streams that this tab wants to be in step with. */
  wanted(): readonly string[];
  /** All of them are, for the first time on this connection. */
  inStep(): void;
  /** Something came from the server. */
  stepped(): void;
  refused(refusal: Refusal): void;
  /** Which devices are connected, by id; nobody while this one is not. */
  presence(present: ReadonlyMap<string, Presence>): void;
};

/** Everything from outside that an engine needs. */
export type EngineParts = Pick<ConnectorParts, "route" | "client" | "codec" | "connect" | "rng"> & {
  readonly token: string;
  /** Of a store that other tabs may have; null for one that nobody shares. */
  readonly channel: BroadcastChannel | null;
  readonly leadership: Leadership | null;
};

export class Engine implements Host, ConversationListener {
  /** Called after every change of the state, the error, what is owed, or who is present. */
  readonly onState = new Callbacks<void>();
  /** Every message of the server that was taken in, in the tab that holds the connection. */
  readonly onMessage = new Callbacks<Heard>();
  readonly #local: LocalState;
  readonly #listener: EngineListener;
  readonly #connector: Connector;
  readonly #tabs: Tabs;
  #told: Status = { state: "standby", error: null, presence: new Map() };
  #presence: ReadonlyMap<string, Presence> = new Map();
  #isInStep = false;
  #hasFailed: SyncdError | null = null;
  #isClosed = false;
  #running: Promise<void> = Promise.resolve();

  constructor(local: LocalState, lists: Lists, listener: EngineListener, { token, channel, leadership, ...parts }: EngineParts) {
    this.#local = local;
    this.#listener = listener;
    const onState = (): void => this.#stateChanged();
    this.#connector = new Connector({ ...parts, local, lists, listener: this, onState }, token);
    this.#tabs = new Tabs(local, channel, leadership, this);
    local.ears = {
      owed: () => this.owed(),
      made: (rows) => this.#tabs.tell({ type: "made", rows }),
      renamed: () => this.#tabs.tell({ type: "renamed" }),
      effect: (effect) => this.#tabs.effect(effect),
    };
  }

  // --- for the device ---

  /** Begin. `lead`: see `Tabs.run`. */
  start(lead: AbortSignal | null): void {
    this.#running = this.#tabs.run(lead).catch((error: unknown) => {
      this.#hasFailed = error instanceof SyncdError ? error : new SyncdError(String(error), { cause: error });
      this.onState.tell();
      if (error instanceof SyncdError) return;
      queueMicrotask(() => {
        throw error; // a mistake of ours: reported as any uncaught error is
      });
    });
  }

  /** Disconnect, and write to the store what the server confirmed. Twice is harmless. */
  async stop(): Promise<void> {
    if (this.#isClosed) return this.#running;
    this.#isClosed = true;
    this.#tabs.close();
    await this.#running;
    this.onState.tell();
  }

  get holdsSocket(): boolean {
    return this.#tabs.leads;
  }

  get state(): DeviceState {
    if (this.#isClosed) return "closed";
    if (this.#hasFailed !== null) return "stopped";
    return this.#tabs.leads ? this.#connector.state : this.#told.state;
  }

  get error(): Failure | null {
    return this.#hasFailed ?? (this.#tabs.leads ? this.#connector.error : this.#told.error);
  }

  /** Have something done by the tab that can. */
  do(order: Order): void {
    if (order.what === "renew") {
      this.#connector.renew(order.token); // also for when this tab leads one day
      if (this.#told.state === "login needed") this.#told = { ...this.#told, state: "connecting" };
    }
    if (this.#tabs.leads) this.order(order);
    else this.#tabs.order(order);
  }

  /** The network changed, or somebody looks at the page again: find out how the connection stands. */
  look(): void {
    this.do({ what: "hurry" });
  }

  /** The server's digest of a stream and ours, of one moment. @throws Unavailable: there is none now. */
  async compare(stream: string): Promise<{ ours: string; theirs: string; cells: number }> {
    const answer = await (this.#tabs.leads ? this.digest(stream) : this.#tabs.digest(stream));
    if ("code" in answer) throw new Unavailable(answer.message);
    if (!this.#tabs.leads) await this.#local.stored(); // what was told before the answer has to show
    return { ours: this.#local.replicas.get(stream).digest(), theirs: answer.digest, cells: answer.cells };
  }

  // --- what the tabs ask: Host ---

  lead(lost: AbortSignal): Promise<void> {
    this.#stateChanged();
    return this.#connector.run(lost);
  }

  status(): Status {
    const { error } = this;
    return { state: this.state, error: error && { code: error.code, message: error.message }, presence: this.#presence };
  }

  follow(status: Status): void {
    this.#told = status;
    this.#show(status.presence);
    this.onState.tell();
  }

  owed(): void {
    if (this.#tabs.leads) this.#connector.conversation?.wake();
    else this.#tabs.tellWanted();
    this.onState.tell();
  }

  token(): string {
    return this.#connector.token;
  }

  order(order: Order): void {
    switch (order.what) {
      case "hurry":
        this.#connector.hurry();
        this.#connector.conversation?.probe();
        break;
      case "renew":
        this.#connector.renew(order.token);
        break;
      case "take again":
        if (this.#connector.conversation === null) this.#local.dropCursor(order.stream);
        else this.#connector.conversation.takeAgain(order.stream);
    }
  }

  async digest(stream: string): Promise<DigestAnswer> {
    try {
      if (this.#connector.conversation === null) throw new Unavailable("not connected");
      return await this.#connector.conversation.digest(stream);
    } catch (error) {
      if (error instanceof Unavailable) return { code: error.code, message: error.message };
      throw error;
    }
  }

  // --- what the conversation tells: ConversationListener, and Host ---

  said(heard: Heard): void {
    if (heard.type === "presence" && heard.stream === OWN_STREAM) {
      const present = new Map(this.#presence);
      if (heard.online) present.set(heard.device, heard);
      else present.delete(heard.device);
      this.#show(present);
      this.#tellStatus();
    } else if (heard.type === "error") {
      this.#connector.become(this.#connector.state, new Unavailable(`${heard.code}: ${heard.message}`));
    }
    this.onMessage.tell(heard);
  }

  stepped(): void {
    const conversation = this.#connector.conversation;
    if (conversation !== null && !this.#isInStep) {
      const wanted = [OWN_STREAM, ...this.wanted()].slice(0, SUBSCRIPTIONS_MAX);
      const areThere = wanted.every((stream) => ["live", "refused"].includes(conversation.stateOf(stream) ?? ""));
      if (areThere && conversation.isSending) {
        this.#isInStep = true;
        this.#connector.caughtUp();
        this.#listener.inStep();
      }
    } else this.#listener.stepped();
    this.onState.tell();
  }

  refused(refusal: Refusal): void {
    this.#listener.refused(refusal);
    if (this.#tabs.leads) this.#tabs.tell({ type: "refused", refusal });
    this.onState.tell();
  }

  wanted(): readonly string[] {
    const own = this.#listener.wanted();
    return this.#tabs.leads ? [...new Set([...own, ...this.#tabs.wanted()])] : own;
  }

  // --- inside ---

  #stateChanged(): void {
    if (this.#connector.state !== "connected") {
      this.#isInStep = false;
      this.#show(new Map());
    }
    this.#tellStatus();
  }

  #show(presence: ReadonlyMap<string, Presence>): void {
    this.#presence = presence;
    this.#listener.presence(presence);
  }

  #tellStatus(): void {
    if (this.#tabs.leads) this.#tabs.tell({ type: "status", status: this.status() });
    this.onState.tell();
  }
}
