// Devices on one store, as tabs are: what the one that leads tells the others, and what they have it do.
// Node 20 has no Web Locks, later ones do: both ways are taken, by version. Real tabs are tried in tests/browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { Device } from "../../src/client/device.js";
import { MemoryStore } from "../../src/client/memory_store.js";
import { StoreBusy } from "../../src/errors.js";
import { ACCOUNT } from "./desk.js";
import { Gateway } from "./gateway.js";

/** A story of tabs that are opened one after another, each with a token of its own: token-1, token-2, … */
async function play(
  name: string | null,
  story: (gateway: Gateway, open: () => Promise<Device>) => Promise<void>,
  store = new MemoryStore(name),
): Promise<void> {
  const gateway = await Gateway.start();
  const tabs: Device[] = [];
  try {
    await story(gateway, async () => {
      const token = `token-${tabs.length + 1}`;
      tabs.push(await Device.open({ url: gateway.url, token, store, format: "json", WebSocket, rng: () => 0 }));
      return tabs.at(-1)!;
    });
  } finally {
    for (const tab of tabs) await tab.close();
    gateway.close();
  }
}

/** Two tabs in step, the first of which leads, and their one connection. */
async function two(gateway: Gateway, open: () => Promise<Device>) {
  const first = await open();
  const connection = await gateway.next();
  await connection.welcome();
  await first.ready();
  const second = await open();
  await second.ready();
  return { first, second, connection };
}

test("tabs show what the leader is told, and reach the server through it", async () => {
  await play("told", async (gateway, open) => {
    const { first, second, connection } = await two(gateway, open);
    assert.deepEqual([first.holdsSocket, second.holdsSocket, gateway.count], [true, false, 1]);

    connection.say({ type: "presence", stream: `a:${ACCOUNT}`, device: "d7", online: true, since_ms: 5 });
    await second.until(() => second.presence.get("d7")?.since_ms === 5);
    const cell = ["settings/volume", "36ler11oo00k3v9q2m4ta", 5] as const;
    connection.say({ type: "delta", stream: `a:${ACCOUNT}`, cells: [cell], cursor: "c2" });
    await second.until(() => second.settings.get("volume") === 5);

    const refusals: string[] = [];
    for (const tab of [first, second]) tab.onRefused(({ kind, reason }) => refusals.push(`${kind} ${reason}`));
    const done = second.library.add("tracks", "t1");
    await first.until(() => first.library.has("tracks", "t1"));
    const { seq } = (await connection.next("emit")).events[0]!;
    connection.say({ type: "nack", stream: `a:${ACCOUNT}`, seq, reason: "forbidden", message: "not yours" });
    await second.until(() => refusals.length === 2);
    await second.until(() => done.outcome === "refused");
    assert.deepEqual(refusals, ["library.changed forbidden", "library.changed forbidden"]);
    for (const tab of [first, second]) assert.equal(tab.library.has("tracks", "t1"), false);

    second.playlist("p:0123456789abcdef");
    assert.equal((await connection.next("subscribe")).stream, "p:0123456789abcdef");
    await second.close();
    assert.equal((await connection.next("unsubscribe")).stream, "p:0123456789abcdef");
    assert.equal(first.connected, true);
  });
});

test("a login is renewed from any tab, also by one that is opened with another token", async () => {
  await play("renewed", async (gateway, open) => {
    const { first, second, connection } = await two(gateway, open);
    connection.socket.close(4200, "unknown token");
    await second.until(() => second.state === "login needed");
    assert.deepEqual([first.state, second.error?.message], ["login needed", "unknown token"]);
    second.renew("token-a");
    const renewed = await gateway.next();
    assert.equal((await renewed.next("hello")).token, "token-a");
    renewed.socket.close(4201, "revoked");
    await second.until(() => second.state === "login needed");
    await open();
    assert.equal((await (await gateway.next()).next("hello")).token, "token-3");
  });
});

test("a tab that has to stay away takes no other with it, and nobody takes its place", async () => {
  await play("stopped", async (gateway, open) => {
    const { first, second, connection } = await two(gateway, open);
    connection.socket.close(4500, "that is no message");
    await second.until(() => second.state === "stopped");
    await first.until(() => first.state === "stopped");
    second.queue.add("kept");
    await first.until(() => first.owed === 1);
    assert.equal(gateway.count, 1);
  });
});

test("a store that does not let a tab lead is asked again", async () => {
  class SlowToStart extends MemoryStore {
    refusals = 1;

    override take(): Promise<number> {
      return this.refusals-- > 0 ? Promise.reject(new StoreBusy("the disk is full")) : super.take();
    }
  }
  await play(null, async (gateway, open) => {
    const device = await open();
    await (await gateway.next()).welcome();
    await device.ready();
  }, new SlowToStart()); // prettier-ignore
});
