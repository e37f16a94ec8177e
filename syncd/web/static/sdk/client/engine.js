import { SyncdError, Unavailable } from "../errors.js";
import { SUBSCRIPTIONS_MAX } from "../limits.js";
import { OWN_STREAM } from "../protocol/client_session.js";
import { Callbacks } from "./callbacks.js";
import { Connector } from "./connector.js";
import { Tabs } from "./tabs.js";
export class Engine {
    onState = new Callbacks();
    onMessage = new Callbacks();
    #local;
    #listener;
    #connector;
    #tabs;
    #told = { state: "standby", error: null, presence: new Map() };
    #presence = new Map();
    #isInStep = false;
    #hasFailed = null;
    #isClosed = false;
    #running = Promise.resolve();
    constructor(local, lists, listener, { token, channel, leadership, ...parts }) {
        this.#local = local;
        this.#listener = listener;
        const onState = () => this.#stateChanged();
        this.#connector = new Connector({ ...parts, local, lists, listener: this, onState }, token);
        this.#tabs = new Tabs(local, channel, leadership, this);
        local.ears = {
            owed: () => this.owed(),
            made: (rows) => this.#tabs.tell({ type: "made", rows }),
            renamed: () => this.#tabs.tell({ type: "renamed" }),
            effect: (effect) => this.#tabs.effect(effect),
        };
    }
    start(lead) {
        this.#running = this.#tabs.run(lead).catch((error) => {
            this.#hasFailed = error instanceof SyncdError ? error : new SyncdError(String(error), { cause: error });
            this.onState.tell();
            if (error instanceof SyncdError)
                return;
            queueMicrotask(() => {
                throw error;
            });
        });
    }
    async stop() {
        if (this.#isClosed)
            return this.#running;
        this.#isClosed = true;
        this.#tabs.close();
        await this.#running;
        this.onState.tell();
    }
    get holdsSocket() {
        return this.#tabs.leads;
    }
    get state() {
        if (this.#isClosed)
            return "closed";
        if (this.#hasFailed !== null)
            return "stopped";
        return this.#tabs.leads ? this.#connector.state : this.#told.state;
    }
    get error() {
        return this.#hasFailed ?? (this.#tabs.leads ? this.#connector.error : this.#told.error);
    }
    do(order) {
        if (order.what === "renew") {
            this.#connector.renew(order.token);
            if (this.#told.state === "login needed")
                this.#told = { ...this.#told, state: "connecting" };
        }
        if (this.#tabs.leads)
            this.order(order);
        else
            this.#tabs.order(order);
    }
    look() {
        this.do({ what: "hurry" });
    }
    async compare(stream) {
        const answer = await (this.#tabs.leads ? this.digest(stream) : this.#tabs.digest(stream));
        if ("code" in answer)
            throw new Unavailable(answer.message);
        if (!this.#tabs.leads)
            await this.#local.stored();
        return { ours: this.#local.replicas.get(stream).digest(), theirs: answer.digest, cells: answer.cells };
    }
    lead(lost) {
        this.#stateChanged();
        return this.#connector.run(lost);
    }
    status() {
        const { error } = this;
        return { state: this.state, error: error && { code: error.code, message: error.message }, presence: this.#presence };
    }
    follow(status) {
        this.#told = status;
        this.#show(status.presence);
        this.onState.tell();
    }
    owed() {
        if (this.#tabs.leads)
            this.#connector.conversation?.wake();
        else
            this.#tabs.tellWanted();
        this.onState.tell();
    }
    token() {
        return this.#connector.token;
    }
    order(order) {
        switch (order.what) {
            case "hurry":
                this.#connector.hurry();
                this.#connector.conversation?.probe();
                break;
            case "renew":
                this.#connector.renew(order.token);
                break;
            case "take again":
                if (this.#connector.conversation === null)
                    this.#local.dropCursor(order.stream);
                else
                    this.#connector.conversation.takeAgain(order.stream);
        }
    }
    async digest(stream) {
        try {
            if (this.#connector.conversation === null)
                throw new Unavailable("not connected");
            return await this.#connector.conversation.digest(stream);
        }
        catch (error) {
            if (error instanceof Unavailable)
                return { code: error.code, message: error.message };
            throw error;
        }
    }
    said(heard) {
        if (heard.type === "presence" && heard.stream === OWN_STREAM) {
            const present = new Map(this.#presence);
            if (heard.online)
                present.set(heard.device, heard);
            else
                present.delete(heard.device);
            this.#show(present);
            this.#tellStatus();
        }
        else if (heard.type === "error") {
            this.#connector.become(this.#connector.state, new Unavailable(`${heard.code}: ${heard.message}`));
        }
        this.onMessage.tell(heard);
    }
    stepped() {
        const conversation = this.#connector.conversation;
        if (conversation !== null && !this.#isInStep) {
            const wanted = [OWN_STREAM, ...this.wanted()].slice(0, SUBSCRIPTIONS_MAX);
            const areThere = wanted.every((stream) => ["live", "refused"].includes(conversation.stateOf(stream) ?? ""));
            if (areThere && conversation.isSending) {
                this.#isInStep = true;
                this.#connector.caughtUp();
                this.#listener.inStep();
            }
        }
        else
            this.#listener.stepped();
        this.onState.tell();
    }
    refused(refusal) {
        this.#listener.refused(refusal);
        if (this.#tabs.leads)
            this.#tabs.tell({ type: "refused", refusal });
        this.onState.tell();
    }
    wanted() {
        const own = this.#listener.wanted();
        return this.#tabs.leads ? [...new Set([...own, ...this.#tabs.wanted()])] : own;
    }
    #stateChanged() {
        if (this.#connector.state !== "connected") {
            this.#isInStep = false;
            this.#show(new Map());
        }
        this.#tellStatus();
    }
    #show(presence) {
        this.#presence = presence;
        this.#listener.presence(presence);
    }
    #tellStatus() {
        if (this.#tabs.leads)
            this.#tabs.tell({ type: "status", status: this.status() });
        this.onState.tell();
    }
}
