// The connection: finds the gateway, keeps one socket, comes back with jitter, gives up where coming back would not help.
// What the messages mean is session.js; this file moves them and watches the time. Source: design.md section 6.

import { ServerClock } from "./stamp.js";

const OPEN_TIMEOUT_MS = 10_000; // From the first try until the welcome.
const ANSWER_TIMEOUT_MS = 10_000; // An event or a ping without an answer for so long: reconnect.
const PING_EVERY_MS = 20_000; // Finds dead connections, and measures the server's clock again.
const LATER_MS = 1_000; // After `unavailable`.
const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 30_000;
const CLOSE_BY_US = 1000;

/** What to do after a close: the first two digits say it, also of codes newer than this page. */
export function afterClose(code) {
  if (code === 4101) return "renew writer";
  if (code === 1009) return "stay away";
  return { 41: "drop cursor", 42: "sign in", 45: "stay away" }[Math.floor(code / 100)] ?? "resume";
}

/**
 * One socket at a time, for one session.
 *
 * `phase` is "connecting", "live", "waiting" (for the next try) or "stopped" (`signIn`: this token will not do).
 */
export class Wire {
  #session;
  #token;
  #on;
  #socket = null;
  #clock = new ServerClock();
  #since = 0; // Of the phase, steady ms.
  #retryAt = 0;
  #tries = 0;
  #pingedAt = null; // When the unanswered ping was sent; null when there is none.
  #nextPingAt = 0;
  #askedAt = 0; // When something was emitted or answered last.
  #resendAt = null;
  #timer = null;
  #tried = new Set(); // Gateways since the last welcome, which the next try passes over.

  /** @param {{happened: function(object), moved: function()}} on called for each outcome of the session, and at each phase. */
  constructor(session, token, on) {
    this.#session = session;
    this.#token = token;
    this.#on = on;
    this.phase = "stopped";
    this.why = "";
    this.signIn = false;
  }

  start() {
    this.#timer ??= setInterval(() => this.#tick(), 1_000);
    this.#connect();
  }

  /** For good: signing out, or leaving the page. */
  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#drop();
    this.#move("stopped", "");
  }

  /** The network is back, or somebody looks at the page again: do not wait for the next tick. */
  wake() {
    if (this.phase === "waiting") this.#connect();
    else if (this.phase === "live" && this.#pingedAt === null) this.#ping();
  }

  /** Server time now; null before the first welcome. */
  nowMs() {
    return this.#clock.at(performance.now());
  }

  /** Emits a control; only while live. */
  emit(control) {
    if (this.phase !== "live") return;
    this.#send(this.#session.emit(control, this.nowMs()));
  }

  send(message) {
    if (this.phase === "live") this.#send(message);
  }

  #send(message) {
    if (message.type === "emit") this.#askedAt = performance.now();
    // One that is closing swallows it; what matters is pending and goes out again after the next welcome.
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #move(phase, why) {
    this.phase = phase;
    this.why = why;
    this.#since = performance.now();
    this.#on.moved();
  }

  async #connect() {
    this.#drop();
    this.#move("connecting", "");
    const begun = this.#since;
    try {
      const url = await gatewayUrl(this.#token, this.#tried);
      if (this.phase === "connecting" && this.#since === begun) this.#open(url);
    } catch (error) {
      if (this.phase === "connecting" && this.#since === begun) this.#retry(`No answer from the server (${error.message}).`);
    }
  }

  #open(url) {
    this.#tried.add(url);
    const socket = new WebSocket(url, ["syncd.v1.json"]);
    this.#socket = socket;
    let helloAt = 0;
    socket.onopen = () => {
      helloAt = performance.now();
      this.#send(this.#session.hello(this.#token, Date.now()));
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "welcome") this.#welcomed(message, helloAt);
      else if (message.type === "pong") this.#ponged(message);
      for (const outcome of this.#session.receive(message)) this.#handle(outcome);
    };
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  #welcomed({ now_ms: serverMs }, helloAt) {
    const now = performance.now();
    this.#clock.forget();
    this.#clock.measure(helloAt, now, serverMs);
    this.#nextPingAt = now + PING_EVERY_MS;
    this.#pingedAt = null;
    this.#resendAt = null;
    this.#askedAt = now;
    this.#tried.clear();
  }

  #ping() {
    this.#pingedAt = performance.now();
    this.#nextPingAt = this.#pingedAt + PING_EVERY_MS;
    this.#send({ type: "ping", sent_ms: Math.round(this.#pingedAt) });
  }

  #ponged({ sent_ms: sentMs, now_ms: serverMs }) {
    if (this.#pingedAt === null || Math.round(this.#pingedAt) !== sentMs) return;
    this.#clock.measure(this.#pingedAt, performance.now(), serverMs);
    this.#pingedAt = null;
    this.#tries = 0; // It has stood for a while; the next break is a new one.
  }

  #handle(outcome) {
    const { what } = outcome;
    if (what === "live") this.#move("live", "");
    else if (what === "send") this.#send(outcome.message);
    else if (what === "later") this.#resendAt ??= performance.now() + LATER_MS;
    else if (what === "drain") this.#retry("The server restarts.", outcome.afterMs);
    else if (what === "again") {
      if (outcome.withoutWriter) this.#session.dropWriter();
      this.#retry("The server lost track of this page's changes; they are sent anew.");
    } else if (what === "own" || what === "refused") this.#askedAt = performance.now();
    this.#on.happened(outcome);
  }

  #closed(code, reason) {
    this.#drop();
    const duty = afterClose(code);
    const why = reason === "" ? "The connection broke." : `The server closed the connection: ${reason}.`;
    if (duty === "sign in" || duty === "stay away") {
      this.signIn = duty === "sign in";
      clearInterval(this.#timer);
      this.#timer = null;
      this.#move("stopped", why);
      return;
    }
    if (duty === "renew writer") this.#session.dropWriter();
    else if (duty === "drop cursor") this.#session.dropCursors();
    this.#retry(why);
  }

  /** Come back later: a random share of a bound that doubles, so that a crowd does not return at once. */
  #retry(why, leastMs = 0) {
    this.#drop();
    const bound = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** this.#tries);
    this.#tries += 1;
    this.#retryAt = performance.now() + leastMs + bound * (0.2 + 0.8 * Math.random());
    this.#move("waiting", why);
  }

  #drop() {
    if (this.#socket !== null) {
      this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close(CLOSE_BY_US, "page");
      this.#socket = null;
    }
    this.#session.disconnected();
  }

  #tick() {
    const now = performance.now();
    if (this.phase === "waiting" && now >= this.#retryAt) this.#connect();
    else if (this.phase === "connecting" && now - this.#since > OPEN_TIMEOUT_MS) this.#retry("No answer from the server.");
    else if (this.phase === "live") this.#check(now);
  }

  #check(now) {
    const unanswered = this.#session.pending.length > 0 && now - this.#askedAt > ANSWER_TIMEOUT_MS;
    if (unanswered || (this.#pingedAt !== null && now - this.#pingedAt > ANSWER_TIMEOUT_MS)) {
      this.#retry("The server stopped answering.");
      return;
    }
    if (this.#resendAt !== null && now >= this.#resendAt) {
      this.#resendAt = null;
      const again = this.#session.resend();
      if (again !== null) this.#send(again);
    }
    if (this.#pingedAt === null && now >= this.#nextPingAt) this.#ping();
  }
}

/** The best gateway for the account that the token opens. */
async function gatewayUrl(token, avoid) {
  const query = new URLSearchParams([...avoid].map((url) => ["avoid", url]));
  const answer = await fetch(`/v1/connect?${query}`, {
    cache: "no-store",
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(OPEN_TIMEOUT_MS / 2),
  });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()).url;
}
