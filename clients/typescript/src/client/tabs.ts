/**
 * One tab among those of its store: it leads, or it follows.
 *
 * What it leads or follows with is the device's business (`Host`); here is who does, and who is told what. Of two tabs
 * that believe to lead, the one with the later term of the store's fence does. A store that nobody can share has one tab,
 * which leads.
 */
import { FencedOut, StoreBusy, SyncdError } from "../errors.js";
import type { Refusal } from "./change.js";
import type { Effect } from "./effect.js";
import type { Leadership } from "./leadership.js";
import type { LocalState } from "./local_state.js";
import { randomText } from "./random.js";
import { Serial } from "./serial.js";
import { isSaid, type DigestAnswer, type Order, type Said, type Status, type Word } from "./tab_words.js";

/** How often a visible tab that follows asks whether the one that leads is there. */
const ASK_MS = 300;
/** A leader that has not said a word for so long is frozen, or busy beyond use: its place is taken. */
const SILENT_MS = 1_200;
/** How long the leader may take to answer with a digest; the server has ten seconds. */
const DIGEST_TIMEOUT_MS = 12_000;

/** How long until the store is asked again that did not let this tab lead. */
const RETRY_MS = 1_000;

/** What a device does as one that leads, and as one that follows. */
export type Host = {
  /** Hold the connection until `lost` aborts, or for good where it makes no sense any more. @throws FencedOut */
  lead(lost: AbortSignal): Promise<void>;
  /** How the connection stands, where this tab leads. */
  status(): Status;
  /** How it stands, where another one does. */
  follow(status: Status): void;
  /** Something that the leader told shows. */
  stepped(): void;
  /** There may be more to send, or other streams to be in step with. */
  owed(): void;
  /** The streams that this tab wants to be in step with. */
  wanted(): readonly string[];
  /** That this tab was opened with. */
  token(): string;
  /** An own event was refused for good. */
  refused(refusal: Refusal): void;
  /** Another tab asks for something. */
  order(order: Order): void;
  /** The server's. */
  digest(stream: string): Promise<DigestAnswer>;
};

export class Tabs {
  /** Whether this tab holds the connection. */
  leads = false;
  readonly #tab = randomText(10);
  readonly #closed = new AbortController();
  readonly #wishes = new Map<string, readonly string[]>();
  readonly #digests = new Map<number, (answer: DigestAnswer) => void>();
  /** The latest term of any leader that was heard of. */
  #term = 0;
  /** Whether memory holds what the store does, so that nothing has to be read before leading. */
  #isFresh = false;
  #isJoined = false;
  #hasCompany = false;
  /** The streams that the one that leads knows to be wanted here; null: it does not even know this tab. */
  #wantedTold: string | null = null;
  #heardAtMs = 0;
  #askedAtMs = 0;
  #demote: () => void = () => undefined;
  /** Effects since a `lead` is being prepared. */
  #recent: Effect[] | null = null;
  readonly #telling = new Serial();

  /** `channel`, `leadership`: null where nobody else can have the store. */
  constructor(
    readonly state: LocalState,
    readonly channel: BroadcastChannel | null,
    readonly leadership: Leadership | null,
    readonly host: Host,
  ) {
    if (channel !== null) channel.onmessage = ({ data }: MessageEvent<unknown>) => isSaid(data) && this.#hear(data);
    leadership?.standFor(this.#tab, this.#closed.signal);
  }

  /** Lead and follow until closed. `lead`: what tells its loss, where this tab was given the lead before it read the store. */
  async run(lead: AbortSignal | null): Promise<void> {
    this.#isFresh = lead !== null;
    for (let lost = lead; !this.#isClosed; lost = this.leadership === null ? lead : null) {
      lost ??= await this.#follow();
      if (lost !== null) await this.#lead(lost);
    }
  }

  /** Leave the others; `run` ends then, and one of them leads from now on. */
  close(): void {
    this.#say({ type: "gone" });
    this.#closed.abort();
  }

  // --- what the device tells ---

  /** The server said something to this tab, which leads. */
  effect(effect: Effect): void {
    this.#recent?.push(effect);
    if (this.#hasCompany) this.#say({ type: "effect", effect });
  }

  /** Tell the others, if there are any. */
  tell(word: Extract<Word, { type: "made" | "renamed" | "refused" | "status" }>): void {
    if (this.#hasCompany) this.#say(word);
  }

  /** Ask the tab that leads to do something. */
  order(order: Order): void {
    this.#say({ type: "order", order });
  }

  /** Tell the one that leads which streams this tab wants, if it does not know. */
  tellWanted(): void {
    const wanted = this.host.wanted();
    if (this.leads || !this.#isJoined || wanted.join() === this.#wantedTold) return;
    this.#wantedTold = wanted.join();
    this.#say({ type: "wanted", wanted });
  }

  /** The streams that tabs want which follow this one. */
  *wanted(): Iterable<string> {
    for (const wanted of this.#wishes.values()) yield* wanted;
  }

  /** The server's digest of a stream, asked for by the tab that leads. */
  async digest(stream: string): Promise<DigestAnswer> {
    const id = Math.random();
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<DigestAnswer>((resolve) => {
        this.#digests.set(id, resolve);
        const late = { code: "unavailable", message: "no answer from the tab that holds the connection" };
        timer = setTimeout(() => resolve(late), DIGEST_TIMEOUT_MS);
        this.#say({ type: "digest", id, stream });
      });
    } finally {
      clearTimeout(timer);
      this.#digests.delete(id);
    }
  }

  // --- to lead ---

  async #lead(lost: AbortSignal): Promise<void> {
    const over = new AbortController();
    this.#demote = () => over.abort();
    for (const signal of [lost, this.#closed.signal]) signal.addEventListener("abort", this.#demote);
    if (lost.aborted) this.#demote();
    try {
      this.#term = await this.state.take();
      this.leads = true; // others are answered while the store is read, or they would take this tab for a frozen one
      if (!this.#isFresh) await this.state.reload();
      await this.#tellAll(null);
      await this.host.lead(over.signal);
      await aborted(over.signal); // where nothing is left to be done, nobody else should try
      await this.state.flush();
    } catch (error) {
      // After FencedOut another tab leads by now. A store that takes nothing is asked again.
      if (error instanceof StoreBusy) await pause(RETRY_MS, this.#closed.signal);
      else if (!(error instanceof FencedOut)) throw error;
    } finally {
      this.leads = this.#isFresh = false;
      over.abort();
      this.#closed.signal.removeEventListener("abort", this.#demote);
      this.#wishes.clear();
      this.leadership?.release();
    }
  }

  /** Tell those that follow, or one of them, where things stand and how to go on from there. */
  #tellAll(to: string | null): Promise<void> {
    return this.#telling.run(async () => {
      if (!this.#hasCompany) return;
      const effects: Effect[] = (this.#recent = []);
      try {
        await this.state.flush();
      } finally {
        this.#recent = null;
      }
      this.#say({ type: "lead", to, status: this.host.status(), effects });
    });
  }

  // --- to follow ---

  /** Wait until this tab leads; null when it was closed before. */
  async #follow(): Promise<AbortSignal | null> {
    if (this.leadership === null) return null;
    this.#isJoined = false;
    this.#heardAtMs = this.#askedAtMs = performance.now();
    this.#join();
    const asking = setInterval(() => this.#ask(), ASK_MS);
    try {
      return await Promise.race([this.leadership.next(), aborted(this.#closed.signal)]);
    } finally {
      clearInterval(asking);
      if (this.#isClosed) this.leadership.release();
    }
  }

  #join(): void {
    const wanted = this.host.wanted();
    this.#wantedTold = wanted.join();
    this.#say({ type: "join", wanted, token: this.host.token() });
  }

  /** See whether the tab that leads is there. A hidden tab does not care, and its timers would be late to tell. */
  #ask(): void {
    const nowMs = performance.now();
    const isLate = nowMs - this.#askedAtMs > 2 * ASK_MS;
    this.#askedAtMs = nowMs;
    if (isLate || isHidden()) this.#heardAtMs = nowMs;
    if (nowMs - this.#heardAtMs > SILENT_MS) {
      this.#heardAtMs = nowMs;
      this.leadership?.steal();
    } else if (this.#isJoined) this.#say({ type: "ask" });
    else this.#join();
  }

  // --- what others say ---

  #hear({ from, term, word }: Said): void {
    if (this.#isClosed) return;
    this.#hasCompany = true;
    if (term > 0 && !this.#isOfLeader(term)) return;
    if (this.leads) this.#reading(this.#hearAsLeader(from, word));
    else this.#hearAsFollower(word);
  }

  /** Whether a word of a leader is of the one that leads now. */
  #isOfLeader(term: number): boolean {
    if (term < this.#term) {
      if (this.leads) this.#say({ type: "here" }); // it was frozen, and does not know yet
      return false;
    }
    if (term > this.#term) this.#isJoined = false;
    if (term > this.#term && this.leads) this.#demote();
    this.#term = term;
    this.#heardAtMs = performance.now();
    return true;
  }

  async #hearAsLeader(from: string, word: Word): Promise<void> {
    switch (word.type) {
      case "join":
        this.#say({ type: "here" }); // the rest waits for the store
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
      default: // of another leader, whose place this tab has taken
    }
  }

  #hearAsFollower(word: Word): void {
    switch (word.type) {
      case "lead":
        if (word.to === null || word.to === this.#tab) this.#reading(this.#joined(word));
        break;
      case "status":
        this.host.follow(word.status);
        break;
      case "effect":
        if (this.#isJoined) this.#reading(this.state.followEffect(word.effect).then(() => this.host.stepped()));
        break;
      case "refused":
        this.host.refused(word.refusal);
        break;
      case "digested":
        if (word.to === this.#tab) this.#digests.get(word.id)?.(word.answer);
        break;
      case "made":
        this.#reading(this.state.adopt(word.rows));
        break;
      case "renamed":
        this.#reading(this.state.readLedger());
        break;
      default: // of others that follow, to the one that leads
    }
  }

  async #joined({ to, status, effects }: Extract<Word, { type: "lead" }>): Promise<void> {
    this.#isJoined = true;
    if (to === null) this.#wantedTold = null; // a new leader does not know it yet
    this.tellWanted();
    this.host.follow(status);
    await Promise.all([this.state.reload(), ...effects.map((effect) => this.state.followEffect(effect))]);
    this.host.stepped();
  }

  #follower(tab: string, wanted: readonly string[]): void {
    if (!this.#wishes.has(tab)) this.leadership?.whenGone(tab, () => this.#reading(this.#gone(tab)), this.#closed.signal);
    this.#wishes.set(tab, wanted);
    this.host.owed();
  }

  /** Another tab is closed, or was killed: perhaps between saving something and telling it. */
  async #gone(tab: string): Promise<void> {
    this.#wishes.delete(tab);
    if (!this.leads) return;
    await this.state.readLedger();
    this.host.owed();
  }

  /** What could not be read from the store is read when this tab joins again, or leads. */
  #reading(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof SyncdError)) throw error;
      this.#isJoined = false;
      if (error instanceof FencedOut) this.#demote();
    });
  }

  #say(word: Word): void {
    if (!this.#isClosed) this.channel?.postMessage({ from: this.#tab, term: this.leads ? this.#term : 0, word } satisfies Said);
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted;
  }
}

function isHidden(): boolean {
  return typeof document !== "undefined" && document.visibilityState === "hidden";
}

/** Wait so long, or until a signal aborts. */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, delayMs)));
  await Promise.race([over, aborted(signal)]);
  clearTimeout(timer);
}

/** When a signal aborts. */
function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener("abort", () => resolve(null), { once: true });
  });
}
