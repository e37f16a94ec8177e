import { FencedOut, StoreBusy, SyncdError } from "../errors.js";
import { randomText } from "./random.js";
import { Serial } from "./serial.js";
import { isSaid } from "./tab_words.js";
const ASK_MS = 300;
const SILENT_MS = 1_200;
const DIGEST_TIMEOUT_MS = 12_000;
const RETRY_MS = 1_000;
export class Tabs {
    state;
    channel;
    leadership;
    host;
    leads = false;
    #tab = randomText(10);
    #closed = new AbortController();
    #wishes = new Map();
    #digests = new Map();
    #term = 0;
    #isFresh = false;
    #isJoined = false;
    #hasCompany = false;
    #wantedTold = null;
    #heardAtMs = 0;
    #askedAtMs = 0;
    #demote = () => undefined;
    #recent = null;
    #telling = new Serial();
    constructor(state, channel, leadership, host) {
        this.state = state;
        this.channel = channel;
        this.leadership = leadership;
        this.host = host;
        if (channel !== null)
            channel.onmessage = ({ data }) => isSaid(data) && this.#hear(data);
        leadership?.standFor(this.#tab, this.#closed.signal);
    }
    async run(lead) {
        this.#isFresh = lead !== null;
        for (let lost = lead; !this.#isClosed; lost = this.leadership === null ? lead : null) {
            lost ??= await this.#follow();
            if (lost !== null)
                await this.#lead(lost);
        }
    }
    close() {
        this.#say({ type: "gone" });
        this.#closed.abort();
    }
    effect(effect) {
        this.#recent?.push(effect);
        if (this.#hasCompany)
            this.#say({ type: "effect", effect });
    }
    tell(word) {
        if (this.#hasCompany)
            this.#say(word);
    }
    order(order) {
        this.#say({ type: "order", order });
    }
    tellWanted() {
        const wanted = this.host.wanted();
        if (this.leads || !this.#isJoined || wanted.join() === this.#wantedTold)
            return;
        this.#wantedTold = wanted.join();
        this.#say({ type: "wanted", wanted });
    }
    *wanted() {
        for (const wanted of this.#wishes.values())
            yield* wanted;
    }
    async digest(stream) {
        const id = Math.random();
        let timer;
        try {
            return await new Promise((resolve) => {
                this.#digests.set(id, resolve);
                const late = { code: "unavailable", message: "no answer from the tab that holds the connection" };
                timer = setTimeout(() => resolve(late), DIGEST_TIMEOUT_MS);
                this.#say({ type: "digest", id, stream });
            });
        }
        finally {
            clearTimeout(timer);
            this.#digests.delete(id);
        }
    }
    async #lead(lost) {
        const over = new AbortController();
        this.#demote = () => over.abort();
        for (const signal of [lost, this.#closed.signal])
            signal.addEventListener("abort", this.#demote);
        if (lost.aborted)
            this.#demote();
        try {
            this.#term = await this.state.take();
            this.leads = true;
            if (!this.#isFresh)
                await this.state.reload();
            await this.#tellAll(null);
            await this.host.lead(over.signal);
            await aborted(over.signal);
            await this.state.flush();
        }
        catch (error) {
            if (error instanceof StoreBusy)
                await pause(RETRY_MS, this.#closed.signal);
            else if (!(error instanceof FencedOut))
                throw error;
        }
        finally {
            this.leads = this.#isFresh = false;
            over.abort();
            this.#closed.signal.removeEventListener("abort", this.#demote);
            this.#wishes.clear();
            this.leadership?.release();
        }
    }
    #tellAll(to) {
        return this.#telling.run(async () => {
            if (!this.#hasCompany)
                return;
            const effects = (this.#recent = []);
            try {
                await this.state.flush();
            }
            finally {
                this.#recent = null;
            }
            this.#say({ type: "lead", to, status: this.host.status(), effects });
        });
    }
    async #follow() {
        if (this.leadership === null)
            return null;
        this.#isJoined = false;
        this.#heardAtMs = this.#askedAtMs = performance.now();
        this.#join();
        const asking = setInterval(() => this.#ask(), ASK_MS);
        try {
            return await Promise.race([this.leadership.next(), aborted(this.#closed.signal)]);
        }
        finally {
            clearInterval(asking);
            if (this.#isClosed)
                this.leadership.release();
        }
    }
    #join() {
        const wanted = this.host.wanted();
        this.#wantedTold = wanted.join();
        this.#say({ type: "join", wanted, token: this.host.token() });
    }
    #ask() {
        const nowMs = performance.now();
        const isLate = nowMs - this.#askedAtMs > 2 * ASK_MS;
        this.#askedAtMs = nowMs;
        if (isLate || isHidden())
            this.#heardAtMs = nowMs;
        if (nowMs - this.#heardAtMs > SILENT_MS) {
            this.#heardAtMs = nowMs;
            this.leadership?.steal();
        }
        else if (this.#isJoined)
            this.#say({ type: "ask" });
        else
            this.#join();
    }
    #hear({ from, term, word }) {
        if (this.#isClosed)
            return;
        this.#hasCompany = true;
        if (term > 0 && !this.#isOfLeader(term))
            return;
        if (this.leads)
            this.#reading(this.#hearAsLeader(from, word));
        else
            this.#hearAsFollower(word);
    }
    #isOfLeader(term) {
        if (term < this.#term) {
            if (this.leads)
                this.#say({ type: "here" });
            return false;
        }
        if (term > this.#term)
            this.#isJoined = false;
        if (term > this.#term && this.leads)
            this.#demote();
        this.#term = term;
        this.#heardAtMs = performance.now();
        return true;
    }
    async #hearAsLeader(from, word) {
        switch (word.type) {
            case "join":
                this.#say({ type: "here" });
                this.#follower(from, word.wanted);
                if (this.host.status().state === "login needed" && word.token !== this.host.token()) {
                    this.host.order({ what: "renew", token: word.token });
                }
                return this.#tellAll(from);
            case "wanted":
                return this.#follower(from, word.wanted);
            case "ask":
                return this.#say({ type: "here" });
            case "order":
                return this.host.order(word.order);
            case "digest":
                return this.#say({ type: "digested", to: from, id: word.id, answer: await this.host.digest(word.stream) });
            case "made":
                return this.state.adopt(word.rows);
            case "renamed":
                return this.state.readLedger();
            case "gone":
                return this.#gone(from);
            default:
        }
    }
    #hearAsFollower(word) {
        switch (word.type) {
            case "lead":
                if (word.to === null || word.to === this.#tab)
                    this.#reading(this.#joined(word));
                break;
            case "status":
                this.host.follow(word.status);
                break;
            case "effect":
                if (this.#isJoined)
                    this.#reading(this.state.followEffect(word.effect).then(() => this.host.stepped()));
                break;
            case "refused":
                this.host.refused(word.refusal);
                break;
            case "digested":
                if (word.to === this.#tab)
                    this.#digests.get(word.id)?.(word.answer);
                break;
            case "made":
                this.#reading(this.state.adopt(word.rows));
                break;
            case "renamed":
                this.#reading(this.state.readLedger());
                break;
            default:
        }
    }
    async #joined({ to, status, effects }) {
        this.#isJoined = true;
        if (to === null)
            this.#wantedTold = null;
        this.tellWanted();
        this.host.follow(status);
        await Promise.all([this.state.reload(), ...effects.map((effect) => this.state.followEffect(effect))]);
        this.host.stepped();
    }
    #follower(tab, wanted) {
        if (!this.#wishes.has(tab))
            this.leadership?.whenGone(tab, () => this.#reading(this.#gone(tab)), this.#closed.signal);
        this.#wishes.set(tab, wanted);
        this.host.owed();
    }
    async #gone(tab) {
        this.#wishes.delete(tab);
        if (!this.leads)
            return;
        await this.state.readLedger();
        this.host.owed();
    }
    #reading(work) {
        work.catch((error) => {
            if (!(error instanceof SyncdError))
                throw error;
            this.#isJoined = false;
            if (error instanceof FencedOut)
                this.#demote();
        });
    }
    #say(word) {
        if (!this.#isClosed)
            this.channel?.postMessage({ from: this.#tab, term: this.leads ? this.#term : 0, word });
    }
    get #isClosed() {
        return this.#closed.signal.aborted;
    }
}
function isHidden() {
    return typeof document !== "undefined" && document.visibilityState === "hidden";
}
async function pause(delayMs, signal) {
    let timer;
    const over = new Promise((resolve) => (timer = setTimeout(resolve, delayMs)));
    await Promise.race([over, aborted(signal)]);
    clearTimeout(timer);
}
function aborted(signal) {
    return new Promise((resolve) => {
        if (signal.aborted)
            resolve(null);
        else
            signal.addEventListener("abort", () => resolve(null), { once: true });
    });
}
