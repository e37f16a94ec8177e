import { ConfigError, StoreBusy } from "../errors.js";
import { at } from "../model/views/under.js";
import { fence, freshHeader, minted, renamed, } from "./store_rows.js";
const FORMAT = 1;
const THE_ONE = 1;
const TRANSACTION_MS_MAX = 10_000;
const ALL = ["header", "streams", "cells", "outbox"];
const LEDGER = ["header", "streams", "outbox"];
export class IndexedDbStore {
    name;
    #database;
    constructor(name, database) {
        this.name = name;
        this.#database = database;
        database.onversionchange = () => database.close();
    }
    static async open(name) {
        if (typeof indexedDB === "undefined") {
            throw new ConfigError(`store ${name}: no IndexedDB here; without a store everything is kept in memory`);
        }
        const opening = indexedDB.open(name, FORMAT);
        opening.onupgradeneeded = () => {
            for (const each of ALL)
                opening.result.createObjectStore(each);
            opening.transaction?.objectStore("header").put(freshHeader(), THE_ONE);
        };
        try {
            return new IndexedDbStore(name, await answered(opening));
        }
        catch (cause) {
            if (cause instanceof DOMException && cause.name === "VersionError") {
                throw new ConfigError(`store ${name} has a later format; this program reads up to ${FORMAT}`, { cause });
            }
            throw new StoreBusy(`store ${name}: ${String(cause)}`, { cause });
        }
    }
    load() {
        return this.#transaction("readonly", ALL, "relaxed", async (in_) => {
            const keys = (await answered(in_("cells").getAllKeys()));
            const values = (await answered(in_("cells").getAll()));
            const cells = new Map();
            for (const [index, [stream, key]] of keys.entries())
                at(cells, stream, () => new Map()).set(key, values[index]);
            return { ...(await ledgerOf(in_)), cells };
        });
    }
    ledger() {
        return this.#transaction("readonly", LEDGER, "relaxed", ledgerOf);
    }
    mint(mint) {
        const durability = mint.rows.every(({ sent }) => sent) ? "relaxed" : "strict";
        return this.#transaction("readwrite", LEDGER, durability, async (in_) => {
            const header = minted(await headerOf(in_), mint);
            if (header === null)
                return ledgerOf(in_);
            in_("header").put(header, THE_ONE);
            for (const row of mint.rows)
                in_("outbox").put(row, row.n);
            for (const [stream, last_seq] of new Map(mint.rows.map(({ stream, seq }) => [stream, seq]))) {
                await changeStream(in_, stream, ({ cursor }) => ({ cursor, last_seq }));
            }
            return null;
        });
    }
    take() {
        return this.#transaction("readwrite", ["header"], "relaxed", async (in_) => {
            const header = await headerOf(in_);
            in_("header").put({ ...header, term: header.term + 1 }, THE_ONE);
            return header.term + 1;
        });
    }
    markSent(ns, sentT, term) {
        return this.#transaction("readwrite", LEDGER, "relaxed", async (in_) => {
            const header = await headerOf(in_);
            fence(header, term);
            for (const n of ns) {
                const row = (await answered(in_("outbox").get(n)));
                if (row !== undefined)
                    in_("outbox").put({ ...row, sent: true }, n);
            }
            in_("header").put({ ...header, sent_t: Math.max(header.sent_t, sentT) }, THE_ONE);
        });
    }
    rename(transform, term) {
        return this.#transaction("readwrite", LEDGER, "strict", async (in_) => {
            const before = await ledgerOf(in_);
            fence(before.header, term);
            const after = renamed(before, transform);
            in_("header").put(after.header, THE_ONE);
            for (const [stream, row] of after.streams)
                in_("streams").put(row, stream);
            in_("outbox").clear();
            for (const row of after.outbox)
                in_("outbox").put(row, row.n);
            return after;
        });
    }
    save(unsaved, { seen_t, sent_t, wall_offset_ms }, term) {
        return this.#transaction("readwrite", ALL, "relaxed", async (in_) => {
            const header = await headerOf(in_);
            fence(header, term);
            for (const stream of unsaved.replaced)
                in_("cells").delete(IDBKeyRange.bound([stream], [stream, []]));
            for (const [stream, cells] of unsaved.cells) {
                for (const [key, cell] of cells)
                    in_("cells").put(cell, [stream, key]);
            }
            for (const n of unsaved.answered)
                in_("outbox").delete(n);
            for (const [stream, cursor] of unsaved.cursors) {
                await changeStream(in_, stream, ({ last_seq }) => ({ cursor, last_seq }));
            }
            const [seen, sent] = [Math.max(header.seen_t, seen_t), Math.max(header.sent_t, sent_t)];
            in_("header").put({ ...header, seen_t: seen, sent_t: sent, wall_offset_ms }, THE_ONE);
        });
    }
    leave(epoch) {
        return this.#transaction("readwrite", LEDGER, "relaxed", async (in_) => {
            in_("header").put({ ...(await headerOf(in_)), left_epoch: epoch }, THE_ONE);
        });
    }
    close() {
        this.#database.close();
    }
    async #transaction(mode, names, durability, work) {
        let timer;
        try {
            const transaction = this.#database.transaction(names, mode, { durability });
            timer = setTimeout(() => transaction.abort(), TRANSACTION_MS_MAX);
            let isOver = false;
            const ended = new Promise((resolve, reject) => {
                transaction.oncomplete = () => {
                    isOver = true;
                    resolve();
                };
                transaction.onabort = () => {
                    isOver = true;
                    reject(transaction.error ?? new DOMException("given up", "AbortError"));
                };
            });
            const working = work((name) => transaction.objectStore(name)).catch((error) => {
                if (!isOver)
                    transaction.abort();
                throw error;
            });
            return (await Promise.all([working, ended]))[0];
        }
        catch (cause) {
            if (!(cause instanceof DOMException))
                throw cause;
            throw new StoreBusy(`store ${this.name}: ${String(cause)}`, { cause });
        }
        finally {
            clearTimeout(timer);
        }
    }
}
async function headerOf(in_) {
    return (await answered(in_("header").get(THE_ONE)));
}
async function ledgerOf(in_) {
    const names = (await answered(in_("streams").getAllKeys()));
    const rows = (await answered(in_("streams").getAll()));
    const outbox = (await answered(in_("outbox").getAll()));
    return { header: await headerOf(in_), streams: new Map(names.map((name, index) => [name, rows[index]])), outbox };
}
async function changeStream(in_, stream, change) {
    const row = (await answered(in_("streams").get(stream)));
    in_("streams").put(change(row ?? { cursor: null, last_seq: 0 }), stream);
}
function answered(request) {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new DOMException("the request failed", "UnknownError"));
        if (request instanceof IDBOpenDBRequest) {
            request.onblocked = () => reject(new DOMException("a tab holds an older format", "AbortError"));
        }
    });
}
