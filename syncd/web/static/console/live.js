// Figures and jobs as they go. One answer of the server lasts some seconds; the next is asked for when it ends.

import { answer } from "./ask.js";

const AGAIN_MS = [500, 1_000, 2_000, 4_000, 8_000];
const SAMPLES_MAX = 900;

/** Follows until `stop`. `state` is "opening", "live" or "away"; listeners are called after every change. */
export class Live {
  constructor(token) {
    this.token = token;
    this.state = "opening";
    this.trouble = "";
    /** @type {Record<string, any[]>} */
    this.columns = { at_ms: [] };
    this.sample = null;
    this.jobs = [];
    this.refused = null;
    this.listeners = new Set();
    this.aborting = new AbortController();
    this.follow();
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  stop() {
    this.aborting.abort();
  }

  async follow() {
    const { signal } = this.aborting;
    let failed = 0;
    while (!signal.aborted) {
      try {
        const response = await answer(this.token, "GET", "live", {}, signal);
        for await (const [name, told] of events(response.body)) {
          failed = 0;
          this.take(name, told);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.state = "away";
        this.trouble = error.message;
        if (error.status === 401 || error.status === 403) this.refused = error;
        this.tell();
        if (this.refused) return;
        await pause(AGAIN_MS[Math.min(failed, AGAIN_MS.length - 1)], signal);
        failed += 1;
      }
    }
  }

  take(name, told) {
    this.state = "live";
    if (name === "history") this.columns = told;
    else if (name === "jobs") this.jobs = told;
    else if (told !== null) this.add(told);
    this.tell();
  }

  add(sample) {
    this.sample = sample;
    const { at_ms: times } = this.columns;
    if (times.length && times[times.length - 1] >= sample.at_ms) return;
    const from = times.length >= SAMPLES_MAX ? 1 : 0;
    const grown = { at_ms: [...times.slice(from), sample.at_ms] };
    for (const [name, value] of Object.entries(sample.charts)) {
      grown[name] = [...(this.columns[name] ?? times.map(() => null)).slice(from), value];
    }
    this.columns = grown;
  }

  tell() {
    for (const listener of this.listeners) listener();
  }
}

/** The events of a `text/event-stream`, as [name, value]. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const [, name, data] = /** @type {RegExpExecArray} */ (/^event: (\w+)\ndata: (.*)$/s.exec(part));
      yield [name, JSON.parse(data)];
    }
  }
}

function pause(ms, signal) {
  return /** @type {Promise<void>} */(new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  }));
}
