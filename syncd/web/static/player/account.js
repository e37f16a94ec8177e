// The account as this page shows it: one device of the SDK, who watches which part of it, and what was just done.

import { SyncdError } from "../sdk/index.js";
import { createContext, useContext, useEffect, useReducer } from "../ui.js";

/** Areas of cells that tell what plays where. */
export const PLAYBACK = ["play", "play_at", "play_on", "play_off", "play_speed", "play_report", "mode", "device"];

const NOTICE_MS = 8_000; // a notice with "Undo" stays this long; a pointer or the focus on it keeps it

/**
 * Listeners subscribe to areas ("queue", "library", …; "state" is the connection), so that a change redraws only what
 * shows it.
 */
export class Account {
  // Set where the player begins, once all of them are there.
  /** @type {import("./login.js").Login} */ login;
  /** @type {import("./speaker.js").Speaker} */ speaker;
  /** @type {() => Promise<void>} */ signOut;
  #listeners = new Map();
  #done = []; // what was done here and may have no answer yet
  /** @type {{ words: string, done: any } | null} */
  #notice = null;
  #timer = 0;
  #ends;

  /** @param {import("../sdk/index.js").Device} device - open. */
  constructor(device) {
    this.device = device;
    this.#ends = [
      device.onChange((change) => this.tell(...change.areas)),
      device.onState(() => this.tell("state")),
      device.onRefused((refusal) => this.notify(`Taken back: ${refusal.message}`)),
    ];
  }

  /** Call `callback` when one of the areas changes. Returns what ends that. */
  watch(areas, callback) {
    this.#listeners.set(callback, new Set(areas));
    return () => this.#listeners.delete(callback);
  }

  /** Draw anew what shows one of these areas. */
  tell(...areas) {
    for (const [callback, watched] of this.#listeners) {
      for (const area of areas) {
        if (watched.has(area)) {
          callback();
          break;
        }
      }
    }
  }

  /**
   * Do something and say so; the notice offers to undo it, as long as it can be undone.
   *
   * @param words - "Removed So What"; empty for what shows by itself.
   * @param {(device: import("../sdk/index.js").Device) => any} action - returns what the SDK's actions return.
   */
  act(words, action) {
    try {
      const done = action(this.device);
      if (done) this.#done = [...this.#done.filter(({ outcome }) => outcome === "pending"), done];
      if (words) this.notify(words, done);
      return done;
    } catch (error) {
      if (!(error instanceof SyncdError)) throw error;
      this.notify(error.message);
      return null;
    }
  }

  /** The ids of the events that this page made and that have no answer yet; an entry of a list begins with its event's. */
  get pending() {
    this.#done = this.#done.filter(({ outcome }) => outcome === "pending");
    return new Set(this.#done.flatMap(({ events }) => events.map(({ id }) => id)));
  }

  /** Show and speak a sentence. `done`: what it is about, if that can be undone. */
  notify(words, done = null) {
    clearTimeout(this.#timer);
    this.#notice = { words, done };
    this.#timer = setTimeout(() => this.dismiss(), NOTICE_MS);
    this.tell("notice");
  }

  /** The last notice; null when it is gone. */
  get notice() {
    return this.#notice;
  }

  dismiss() {
    clearTimeout(this.#timer);
    this.#notice = null;
    this.tell("notice");
  }

  /** Leave the notice where it is while somebody looks at it. */
  hold() {
    clearTimeout(this.#timer);
  }

  /** Take back what the notice tells of. */
  undo() {
    const undo = this.#notice?.done?.undo;
    if (!undo) return;
    this.#notice = null;
    this.act("Undone", undo);
  }

  /** What was done is kept in the store; the socket goes to another tab. */
  async close() {
    for (const end of this.#ends) end();
    this.#listeners.clear();
    await this.device.close();
  }
}

/** @type {import("../ui.js").Context<Account>} */
const Present = createContext(null);
export const AccountProvider = Present.Provider;

/** The account; the component is drawn anew when one of the areas changes. */
export function useAccount(...areas) {
  const account = useContext(Present);
  const [, redraw] = useReducer((count) => count + 1, 0);
  useEffect(() => account.watch(areas, redraw), [account, areas.join(" ")]);
  return account;
}
