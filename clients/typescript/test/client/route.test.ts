// Where a device connects next, and how its link is read.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ConfigError, Unavailable } from "../../src/errors.js";
import { Backoff } from "../../src/client/backoff.js";
import { readLink } from "../../src/client/device_link.js";
import { askOverHttp, Route, type Ask } from "../../src/client/route.js";

const AWAY: Ask = () => Promise.reject(new Unavailable("nobody is there"));

test("a gateway's own address is used as it is", async () => {
  const route = new Route("wss://music.example/v1/sync", AWAY);
  assert.equal(await route.next("t"), "wss://music.example/v1/sync");
});

for (const address of ["ftp://a", "music.example", "", "//a/b"]) {
  test(`${JSON.stringify(address)} is no address`, () => assert.throws(() => new Route(address), ConfigError));
}

test("a server is asked each time, and told what gave no welcome since the last one", async () => {
  const asked: (readonly string[])[] = [];
  const route = new Route("http://music.example", (_address, _token, avoid) => {
    asked.push(avoid);
    return Promise.resolve(`ws://gateway-${asked.length}/v1/sync`);
  });
  await route.next("t");
  await route.next("t");
  route.worked();
  await route.next("t");
  assert.deepEqual(asked, [[], ["ws://gateway-1/v1/sync"], []]);
});

test("a gateway that names another one is followed once", async () => {
  const route = new Route("http://music.example", () => Promise.resolve("ws://asked/v1/sync"));
  route.advise("ws://advised/v1/sync");
  assert.deepEqual([await route.next("t"), await route.next("t")], ["ws://advised/v1/sync", "ws://asked/v1/sync"]);
});

test("while the server is away the gateway that worked is tried, once", async () => {
  let ask: Ask = () => Promise.resolve("ws://known/v1/sync");
  const route = new Route("http://music.example", (...given) => ask(...given));
  await route.next("t");
  route.worked();
  ask = AWAY;
  assert.equal(await route.next("t"), "ws://known/v1/sync");
  await assert.rejects(route.next("t"), Unavailable);
});

/** What a server that answers so is understood to say. */
async function answered(status: number, body: string): Promise<{ url: string | null; failure: string; asked: string }> {
  let asked = "";
  const server = createServer(({ url, headers }, answer) => {
    asked = `${url} ${headers.authorization}`;
    answer.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const url = await askOverHttp(address, "secret", ["ws://a/v1/sync", "ws://b/v1/sync"]);
    return { url, failure: "", asked };
  } catch (error) {
    assert.ok(error instanceof Unavailable);
    return { url: null, failure: error.message, asked };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("the question names what to avoid, and carries the token in a header", async () => {
  const { url, asked } = await answered(200, '{"url": "ws://c/v1/sync"}');
  assert.equal(url, "ws://c/v1/sync");
  assert.equal(asked, "/v1/connect?avoid=ws%3A%2F%2Fa%2Fv1%2Fsync&avoid=ws%3A%2F%2Fb%2Fv1%2Fsync Bearer secret");
});

for (const [status, body, why] of [
  [503, "{}", /answered 503/],
  [200, "no json", /SyntaxError/],
  [200, "null", /names no websocket: undefined/],
  [200, '{"url": "http://c"}', /names no websocket: http:\/\/c/],
] as const) {
  test(`${status} ${body} names no gateway`, async () => assert.match((await answered(status, body)).failure, why));
}

test("the first try comes at once, the others later and later, spread, up to half a minute", () => {
  const draws = [0, 0.999_999];
  const [soon, late] = draws.map((draw) => {
    const backoff = new Backoff(() => draw);
    return Array.from({ length: 9 }, () => Math.round(backoff.nextMs()));
  });
  assert.deepEqual(soon, [0, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  assert.deepEqual(late, [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("after a connection that lived, trying begins anew", () => {
  const backoff = new Backoff(() => 0);
  for (let n = 0; n < 5; n++) backoff.nextMs();
  backoff.steady(4_999);
  assert.ok(backoff.nextMs() > 0);
  backoff.steady(5_000);
  assert.equal(backoff.nextMs(), 0);
});

const TOKEN = "syncd_0123456789abcdef";
for (const [text, expected] of [
  [` http://192.168.1.5:8080/#token=${TOKEN}\n`, { url: "http://192.168.1.5:8080", token: TOKEN }],
  [`https://music.example/player/#a=b&token=${TOKEN}`, { url: "https://music.example/player", token: TOKEN }],
  [TOKEN, { url: null, token: TOKEN }],
  ["", null],
  ["https://music.example/", null],
  [`https://music.example/?token=${TOKEN}`, null], // a server would see it there
  ["https://music.example/#token=short", null],
  [`javascript:alert(1)#token=${TOKEN}`, null],
  ["two words that are no token", null],
] as const) {
  test(`a link is read: ${JSON.stringify(text)}`, () => assert.deepEqual(readLink(text), expected));
}
