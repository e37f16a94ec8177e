/**
 * The port to what a device keeps: own events until they are answered, and what the server confirmed.
 *
 * Each method is one transaction: all of it, or nothing, also when the tab is killed in the middle. Several tabs may have
 * one store; the transactions of all of them come one after another. A cursor is never ahead of the cells.
 * All of them throw `StoreBusy` when the store takes nothing: it is full, or closed. Those that take a term throw
 * `FencedOut` when it is not the last one.
 */
import type { Contents, Ledger, Mint, Transform, Unsaved } from "./store_rows.js";

/** What is remembered of the clocks. */
export type Clocks = { readonly seen_t: number; readonly sent_t: number; readonly wall_offset_ms: number };

export interface Store {
  /** What tabs that share it call it; null for one that nobody can share. */
  readonly name: string | null;

  /** All of it, as of one moment. Makes a new store where there is none. */
  load(): Promise<Contents>;

  /** All but the cells. */
  ledger(): Promise<Ledger>;

  /**
   * Save own events, if the store ends where their maker believes.
   *
   * @returns null once they are saved; else nothing was, and this is what the maker did not know of.
   */
  mint(mint: Mint): Promise<Ledger | null>;

  /** Begin a term: the tab that asks leads from now on. Returns it. */
  take(): Promise<number>;

  /** These own events leave the device now; from here on their times are fixed. */
  markSent(ns: readonly number[], sentT: number, term: number): Promise<void>;

  /** Rewrite the header and all pending events at once; those of other tabs are among them. */
  rename(transform: Transform, term: number): Promise<Ledger>;

  /** Write what the server confirmed. */
  save(unsaved: Unsaved, clocks: Clocks, term: number): Promise<void>;

  /** Remember which detached session the listener has left. */
  leave(epoch: string | null): Promise<void>;

  /** Let go of it. Twice is harmless. */
  close(): void;
}
