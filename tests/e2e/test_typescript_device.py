"""The TypeScript SDK against a real `syncd serve`, beside Python devices: real sockets, a server that is killed.

What runs in Node are the modules that the Python package ships. Tabs and IndexedDB are tried in tests/browser.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from typescript_devices import NodeDevices, node_devices

from syncd.client import Device
from syncd.testing.lossy_proxy import Faults, LossyProxy
from syncd.testing.server_process import ServerProcess

TIMEOUT_S = 60.0
"""For any one step, on a machine that is busy with other tests."""

_names = (f"typescript-{os.getpid()}-{n}" for n in count())


@pytest.fixture(autouse=True)
def _needs_node() -> None:
    if shutil.which("node") is None:
        pytest.skip("no `node` on this machine; the TypeScript SDK is tried where there is one")


def tokens_of(server: ServerProcess, *devices: str) -> list[str]:
    """Tokens of the devices of a fresh account."""
    return [linked.token for linked in asyncio.run(server.link(next(_names), *devices))]


def play(story: Callable[[NodeDevices], Awaitable[None]]) -> None:
    """Run a story, with an end."""

    async def told() -> None:
        async with node_devices() as node:
            await story(node)

    asyncio.run(asyncio.wait_for(told(), 3 * TIMEOUT_S))


async def opens(node: NodeDevices, name: str, url: str, token: str, **options: Any) -> None:
    """Open a device as `kept.<name>`, and wait until it is in step. It writes down how each stream came."""
    code = """
        const device = kept[name] = await sdk.Device.open({ url, token, ...options });
        device.resumes = [];
        device.onMessage((heard) => {
            if (heard.type === "welcome") device.resumes.push(...heard.streams.map(({ resume }) => resume));
            if (heard.type === "subscribed") device.resumes.push(heard.resume);
        });
        await device.ready();
    """
    await node.run(code, name=name, url=url, token=token, options=options)


async def assert_agree(node: NodeDevices, names: list[str], *devices: Device, stream: str = "a:me") -> None:
    """After quiet, devices in both languages hold what the server holds."""
    for device in devices:
        await device.settled(timeout_s=TIMEOUT_S)
    await node.run("for (const name of names) await kept[name].settled();", names=names)
    digests = set()
    for name in names:
        found_in_node = await node.run("return kept[name].verify(stream);", name=name, stream=stream)
        assert found_in_node["agrees"], found_in_node
        digests.add(found_in_node["ours"])
    for device in devices:
        found = await device.verify(stream, timeout_s=TIMEOUT_S)
        assert found.agrees, found
        digests.add(found.ours)
    assert len(digests) == 1


def test_devices_in_both_languages_and_both_formats_show_one_truth(server: ServerProcess) -> None:
    phone_token, web_token, laptop_token = tokens_of(server, "phone", "web", "laptop")

    async def story(node: NodeDevices) -> None:
        await opens(node, "phone", server.http_url, phone_token, format="json")
        await opens(node, "web", server.ws_url, web_token)
        async with Device(server.ws_url, laptop_token) as laptop:
            await laptop.ready(timeout_s=TIMEOUT_S)
            await node.run("""
                kept.phone.queue.add("Y", "Z", "W");
                kept.phone.play({ track: "X", duration_ms: 200_000 }, { context: { tracks: ["X", "X2"] } });
            """)
            await laptop.until(lambda: laptop.playback is not None and len(laptop.queue) == 3, timeout_s=TIMEOUT_S)
            laptop.next()
            laptop.progress.listened("episode 1", 65_000, duration_ms=3_600_000)
            shown = await node.run("""
                await kept.web.until(() => kept.web.queue.tracks.join() === "Z,W" && kept.web.progress.all.size === 1);
                const list = kept.web.createPlaylist("mine");
                list.add("a", "b", "c");
                kept.web.settings.set("theme", { dark: true, size: 12 });
                await kept.phone.until(() => kept.phone.playlists[0]?.items.length === 3);
                const [mine] = kept.phone.playlists;
                mine.move([mine.items[2].id], { to: 0 });
                await kept.web.until(() => list.tracks.join() === "c,a,b");
                await kept.web.until(() => kept.web.presence.size === 2);
                return { stream: list.stream, item: kept.web.playback.item.track };
            """)
            assert shown["item"] == "Y"
            await laptop.until(lambda: [each.tracks for each in laptop.playlists] == [["c", "a", "b"]])
            assert laptop.settings.get("theme") == {"dark": True, "size": 12}
            await assert_agree(node, ["phone", "web"], laptop)
            await assert_agree(node, ["phone", "web"], laptop, stream=shown["stream"])
            undone = await node.run("""
                const added = kept.phone.queue.add("oops");
                await kept.phone.settled();
                const offered = added.undo !== null;
                added.undo();
                return { offered, outcome: added.outcome, tracks: kept.phone.queue.tracks };
            """)
            assert undone == {"offered": True, "outcome": "admitted", "tracks": ["Z", "W"]}

    play(story)


def test_a_server_killed_under_pending_edits_gets_each_once_and_the_device_resumes_without_a_snapshot(
    server: ServerProcess,
) -> None:
    web_token, laptop_token = tokens_of(server, "web", "laptop")
    edits_each = 40

    async def story(node: NodeDevices) -> None:
        await opens(node, "web", server.http_url, web_token)
        async with Device(server.ws_url, laptop_token) as laptop:
            await laptop.ready(timeout_s=TIMEOUT_S)
            for round_ in range(2):
                writing = asyncio.create_task(
                    node.run(
                        """
                        for (let n = 0; n < edits; n++) {
                            kept.web.queue.add(`web-${round}-${n}`);
                            if (n % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
                        }
                        return kept.web.owed;
                        """,
                        round=round_,
                        edits=edits_each,
                    )
                )
                await laptop.until(lambda r=round_: f"web-{r}-0" in laptop.queue.tracks, timeout_s=TIMEOUT_S)  # type: ignore[misc]
                await asyncio.to_thread(server.kill)
                laptop.queue.add(f"laptop-{round_}")
                await writing
                offline = await node.run("""
                    await kept.web.until(() => !kept.web.connected);
                    kept.web.queue.add("offline");
                    return { owed: kept.web.owed, shows: kept.web.queue.tracks.at(-1) };
                """)
                assert offline["owed"] > 0
                assert offline["shows"] == "offline"
                await asyncio.to_thread(server.start)
                await node.run("kept.web.hurry(); await kept.web.settled();")
            await assert_agree(node, ["web"], laptop)
            tracks = Counter(await node.run("return kept.web.queue.tracks"))
            expected = {f"web-{r}-{n}": 1 for r in range(2) for n in range(edits_each)}
            assert tracks == expected | {f"laptop-{r}": 1 for r in range(2)} | {"offline": 2}
            resumes = await node.run("return kept.web.resumes")
            assert resumes[0] == "snapshot"
            assert "snapshot" not in resumes[1:]

    play(story)


def test_through_a_bad_network_nothing_is_lost_or_doubled(server: ServerProcess) -> None:
    tokens = tokens_of(server, "phone", "web", "laptop")
    tracks_each = 60

    async def story(node: NodeDevices) -> None:
        faults = Faults(delay_ms_max=10, cut_bytes_mean=8_000, shreds=True)
        async with LossyProxy(server.ws_url, seed=11, faults=faults) as network:
            await opens(node, "phone", network.url, tokens[0], format="json")
            await opens(node, "web", network.url, tokens[1])
            async with Device(network.url, tokens[2]) as laptop:
                stream = await node.run("return kept.phone.createPlaylist('shared by one').stream")
                writing = node.run(
                    """
                    const write = async (name) => {
                        const list = kept[name].playlist(stream);
                        for (let n = 0; n < tracks; n++) {
                            list.add(`${name}-${n}`);
                            await new Promise((resolve) => setTimeout(resolve, 10));
                        }
                    };
                    await Promise.all([write("phone"), write("web")]);
                    """,
                    stream=stream,
                    tracks=tracks_each,
                )
                writing_in_node = asyncio.create_task(writing)
                for n in range(tracks_each):
                    laptop.playlist(stream).add(f"laptop-{n}")
                    await asyncio.sleep(0.01)
                await writing_in_node
                network.mend()
                await assert_agree(node, ["phone", "web"], laptop, stream=stream)
                await assert_agree(node, ["phone", "web"], laptop)
                tracks = Counter(laptop.playlist(stream).tracks)
                names = ("phone", "web", "laptop")
                assert tracks == {f"{name}-{n}": 1 for name in names for n in range(tracks_each)}
                assert network.cuts > 0

    play(story)


def test_two_devices_on_one_store_are_one_device_with_one_connection(server: ServerProcess) -> None:
    """As tabs are, in one process. Node 20 has no Web Locks, as pages of plain http from another machine have none."""
    web_token, laptop_token = tokens_of(server, "web", "laptop")

    async def story(node: NodeDevices) -> None:
        async with Device(server.ws_url, laptop_token) as laptop:
            await laptop.ready(timeout_s=TIMEOUT_S)
            shown = await node.run(
                """
                const store = new sdk.MemoryStore("shared");
                kept.first = await sdk.Device.open({ url, token, store });
                await kept.first.ready();
                kept.second = await sdk.Device.open({ url, token, store });
                await kept.second.ready();
                kept.second.queue.add("of the second");
                await kept.first.until(() => kept.first.queue.tracks.length === 1);
                kept.first.queue.add("of the first");
                await kept.second.until(() => kept.second.queue.tracks.length === 2);
                await Promise.all([kept.first.settled(), kept.second.settled()]);
                const list = kept.second.playlist("p:wanted-by-the-second-alone");
                list.add("x");
                await kept.second.settled();
                return {
                    sockets: [kept.first, kept.second].filter((device) => device.holdsSocket).length,
                    ids: new Set([kept.first.deviceId, kept.second.deviceId]).size,
                    connected: kept.second.connected,
                    agrees: (await kept.second.verify()).agrees && (await kept.second.verify(list.stream)).agrees,
                };
                """,
                url=server.http_url,
                token=web_token,
            )
            assert shown == {"sockets": 1, "ids": 1, "connected": True, "agrees": True}
            await laptop.until(lambda: len(laptop.presence) == 1, timeout_s=TIMEOUT_S)
            laptop.queue.add("of the laptop")
            left = await node.run("""
                await kept.second.until(() => kept.second.queue.tracks.length === 3);
                const [owner, other] = kept.first.holdsSocket ? [kept.first, kept.second] : [kept.second, kept.first];
                owner.queue.add("just before the end");
                await owner.stored();
                await owner.close();
                other.queue.add("in between");
                await other.until(() => other.holdsSocket && other.connected);
                await other.settled();
                kept.left = other;
                return { tracks: other.queue.tracks, states: [owner.state, other.state] };
            """)
            assert left["states"] == ["closed", "connected"]
            await assert_agree(node, ["left"], laptop)
            assert laptop.queue.tracks == left["tracks"]
            assert len(left["tracks"]) == 5

    play(story)


def test_a_device_links_another_and_signs_it_out_which_keeps_what_it_owes_for_another_token(
    server: ServerProcess,
) -> None:
    (token,) = tokens_of(server, "phone")

    async def story(node: NodeDevices) -> None:
        await opens(node, "phone", server.http_url, token)
        told = await node.run(
            """
            const kitchen = await sdk.linkDevice({ url, token }, "Kitchen");
            kept.kitchen = await sdk.Device.open(sdk.readLink(kitchen.link));
            await kept.kitchen.ready();
            await sdk.revokeDevice({ url, token }, kitchen.device);
            await kept.kitchen.until(() => kept.kitchen.state === "login needed");
            kept.kitchen.queue.add("after the revocation");
            await kept.kitchen.stored();
            const failure = await kept.kitchen.settled().catch((error) => error);
            const signedOut = await sdk.linkDevice({ url, token: kitchen.token }, "More").catch((error) => error);
            const unknown = await sdk.revokeDevice({ url, token }, "nobody").catch((error) => error);
            return {
                is: kept.kitchen.deviceId === kitchen.device,
                settled: failure.code,
                error: kept.kitchen.error.code,
                owed: kept.kitchen.owed,
                refused: [signedOut.code, unknown.code],
            };
            """,
            url=server.http_url,
            token=token,
        )
        assert told == {
            "is": True,
            "settled": "not_settled",
            "error": "unauthenticated",
            "owed": 1,
            "refused": ["unauthenticated", "refused"],
        }
        again = """
            kept.kitchen.renew((await sdk.linkDevice({ url, token }, "Kitchen again")).token);
            await kept.kitchen.settled();
        """
        await node.run(again, url=server.http_url, token=token)
        await assert_agree(node, ["phone", "kitchen"])
        assert await node.run("return kept.phone.queue.tracks") == ["after the revocation"]

    play(story)


def test_what_makes_no_sense_is_refused_with_its_reason(server: ServerProcess) -> None:
    (token,) = tokens_of(server, "web")

    async def story(node: NodeDevices) -> None:
        told = await node.run(
            """
            const failure = (options) => sdk.Device.open({ url, token, ...options }).then(() => "opened", String);
            const device = await sdk.Device.open({ url: "http://127.0.0.1:9", token });
            const late = await device.ready({ timeoutMs: 300 }).catch(String);
            await device.close();
            return {
                late,
                url: await failure({ url: "ftp://somewhere" }),
                store: await failure({ store: "music" }),
                socket: await failure({ WebSocket: null }),
                token: await failure({ token: "" }),
            };
            """,
            url=server.http_url,
            token=token,
        )
        assert told["late"].startswith(
            "NotReady: the device is not in step with the server after 0.3 s: offline, http://"
        )
        assert told["url"].startswith("ConfigError: ftp://somewhere is not an address like ws://host:port/v1/sync or")
        assert told["store"].startswith("ConfigError: store music: no IndexedDB here")
        assert told["socket"].startswith("ConfigError: no WebSocket here")
        assert told["token"].startswith("ConfigError: the token is empty")

    play(story)
