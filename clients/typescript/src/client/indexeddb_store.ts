/**
 * What a device keeps in a browser: one IndexedDB database, which all tabs of the page's origin may open.
 *
 *     header    one row: who writes (writer, nonce, account, device) and the clock
 *     streams   per stream the cursor and the highest seq ever minted
 *     cells     confirmed cells, by [stream, key]
 *     outbox    own events without an answer, by n
 *
 * What the server does not know yet is on the disk when it is saved ("strict"). What it knows, or is told in the same
 * moment, is saved once the browser has it ("relaxed", a tenth of the time): that survives the tab and the browser, but
 * not a power failure in the next seconds. After one, the server sees an older store and gives it a fresh writer, as after
 * a restored backup, and nothing is lost.
 */
import { ConfigError, StoreBusy } from "../errors.js";
import type { Cell, Cells } from "../model/cells.js";
import { at } from "../model/views/under.js";
import type { Clocks, Store } from "./store.js";
import {
  fence,
  freshHeader,
  minted,
  renamed,
  type Contents,
  type Header,
  type Ledger,
  type Mint,
  type OutboxRow,
  type StreamRow,
  type Transform,
  type Unsaved,
} from "./store_rows.js";

const FORMAT = 1;
/** Key of the one row of `header`. */
const THE_ONE = 1;
/** A transaction that takes longer is given up: a store that does not answer must not hold up the device for ever. */
const TRANSACTION_MS_MAX = 10_000;
const ALL = ["header", "streams", "cells", "outbox"] as const;
const LEDGER = ["header", "streams", "outbox"] as const;
type Name = (typeof ALL)[number];

export class IndexedDbStore implements Store {
  readonly #database: IDBDatabase;

  private constructor(
    readonly name: string,
    database: IDBDatabase,
  ) {
    this.#database = database;
    database.onversionchange = () => database.close();
  }

  /**
   * Open the database of this name, or make it.
   *
   * @throws ConfigError: there is no IndexedDB here, or the database is one of a later version.
   * @throws StoreBusy: the browser does not open it.
   */
  static async open(name: string): Promise<IndexedDbStore> {
    if (typeof indexedDB === "undefined") {
      throw new ConfigError(`store ${name}: no IndexedDB here; without a store everything is kept in memory`);
    }
    const opening = indexedDB.open(name, FORMAT);
    opening.onupgradeneeded = () => {
      for (const each of ALL) opening.result.createObjectStore(each);
      opening.transaction?.objectStore("header").put(freshHeader(), THE_ONE);
    };
    try {
      return new IndexedDbStore(name, await answered(opening));
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === "VersionError") {
        throw new ConfigError(`store ${name} has a later format; this program reads up to ${FORMAT}`, { cause });
      }
      throw new StoreBusy(`store ${name}: ${String(cause)}`, { cause });
    }
  }

  load(): Promise<Contents> {
    return this.#transaction("readonly", ALL, "relaxed", async (in_) => {
      const keys = (await answered(in_("cells").getAllKeys())) as [string, string][];
      const values = (await answered(in_("cells").getAll())) as Cell[];
      const cells = new Map<string, Cells>();
      for (const [index, [stream, key]] of keys.entries()) at(cells, stream, () => new Map()).set(key, values[index]!);
      return { ...(await ledgerOf(in_)), cells };
    });
  }

  ledger(): Promise<Ledger> {
    return this.#transaction("readonly", LEDGER, "relaxed", ledgerOf);
  }

  mint(mint: Mint): Promise<Ledger | null> {
    const durability = mint.rows.every(({ sent }) => sent) ? "relaxed" : "strict";
    return this.#transaction("readwrite", LEDGER, durability, async (in_) => {
      const header = minted(await headerOf(in_), mint);
      if (header === null) return ledgerOf(in_);
      in_("header").put(header, THE_ONE);
      for (const row of mint.rows) in_("outbox").put(row, row.n);
      for (const [stream, last_seq] of new Map(mint.rows.map(({ stream, seq }) => [stream, seq]))) {
        await changeStream(in_, stream, ({ cursor }) => ({ cursor, last_seq }));
      }
      return null;
    });
  }

  take(): Promise<number> {
    return this.#transaction("readwrite", ["header"], "relaxed", async (in_) => {
      const header = await headerOf(in_);
      in_("header").put({ ...header, term: header.term + 1 }, THE_ONE);
      return header.term + 1;
    });
  }

  markSent(ns: readonly number[], sentT: number, term: number): Promise<void> {
    return this.#transaction("readwrite", LEDGER, "relaxed", async (in_) => {
      const header = await headerOf(in_);
      fence(header, term);
      for (const n of ns) {
        const row = (await answered(in_("outbox").get(n))) as OutboxRow | undefined;
        if (row !== undefined) in_("outbox").put({ ...row, sent: true }, n);
      }
      in_("header").put({ ...header, sent_t: Math.max(header.sent_t, sentT) }, THE_ONE);
    });
  }

  rename(transform: Transform, term: number): Promise<Ledger> {
    return this.#transaction("readwrite", LEDGER, "strict", async (in_) => {
      const before = await ledgerOf(in_);
      fence(before.header, term);
      const after = renamed(before, transform);
      in_("header").put(after.header, THE_ONE);
      for (const [stream, row] of after.streams) in_("streams").put(row, stream);
      in_("outbox").clear();
      for (const row of after.outbox) in_("outbox").put(row, row.n);
      return after;
    });
  }

  save(unsaved: Unsaved, { seen_t, sent_t, wall_offset_ms }: Clocks, term: number): Promise<void> {
    return this.#transaction("readwrite", ALL, "relaxed", async (in_) => {
      const header = await headerOf(in_);
      fence(header, term);
      for (const stream of unsaved.replaced) in_("cells").delete(IDBKeyRange.bound([stream], [stream, []]));
      for (const [stream, cells] of unsaved.cells) {
        for (const [key, cell] of cells) in_("cells").put(cell, [stream, key]);
      }
      for (const n of unsaved.answered) in_("outbox").delete(n);
      for (const [stream, cursor] of unsaved.cursors) {
        await changeStream(in_, stream, ({ last_seq }) => ({ cursor, last_seq }));
      }
      const [seen, sent] = [Math.max(header.seen_t, seen_t), Math.max(header.sent_t, sent_t)];
      in_("header").put({ ...header, seen_t: seen, sent_t: sent, wall_offset_ms }, THE_ONE);
    });
  }

  leave(epoch: string | null): Promise<void> {
    return this.#transaction("readwrite", LEDGER, "relaxed", async (in_) => {
      in_("header").put({ ...(await headerOf(in_)), left_epoch: epoch }, THE_ONE);
    });
  }

  close(): void {
    this.#database.close();
  }

  /** One transaction. `work` may wait for requests of the transaction, and for nothing else: else it ends on its own. */
  async #transaction<T>(
    mode: IDBTransactionMode,
    names: readonly Name[],
    durability: IDBTransactionDurability,
    work: (in_: In) => Promise<T>,
  ): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const transaction = this.#database.transaction(names, mode, { durability });
      timer = setTimeout(() => transaction.abort(), TRANSACTION_MS_MAX);
      let isOver = false;
      const ended = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => {
          isOver = true;
          resolve();
        };
        transaction.onabort = () => {
          isOver = true;
          reject(transaction.error ?? new DOMException("given up", "AbortError"));
        };
      });
      const working = work((name) => transaction.objectStore(name)).catch((error: unknown) => {
        if (!isOver) transaction.abort(); // else what it had asked for until then would stay
        throw error;
      });
      return (await Promise.all([working, ended]))[0];
    } catch (cause) {
      if (!(cause instanceof DOMException)) throw cause;
      throw new StoreBusy(`store ${this.name}: ${String(cause)}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The object stores of one transaction, by name. */
type In = (name: Name) => IDBObjectStore;

async function headerOf(in_: In): Promise<Header> {
  return (await answered(in_("header").get(THE_ONE))) as Header;
}

async function ledgerOf(in_: In): Promise<Ledger> {
  const names = (await answered(in_("streams").getAllKeys())) as string[];
  const rows = (await answered(in_("streams").getAll())) as StreamRow[];
  const outbox = (await answered(in_("outbox").getAll())) as OutboxRow[];
  return { header: await headerOf(in_), streams: new Map(names.map((name, index) => [name, rows[index]!])), outbox };
}

async function changeStream(in_: In, stream: string, change: (row: StreamRow) => StreamRow): Promise<void> {
  const row = (await answered(in_("streams").get(stream))) as StreamRow | undefined;
  in_("streams").put(change(row ?? { cursor: null, last_seq: 0 }), stream);
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException("the request failed", "UnknownError"));
    if (request instanceof IDBOpenDBRequest) {
      request.onblocked = () => reject(new DOMException("a tab holds an older format", "AbortError"));
    }
  });
}
