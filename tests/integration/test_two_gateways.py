"""Two gateways on one database: whichever a device reaches, it is the same service. Also: how one goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
from live_service import STORY_S, Live, fresh_server, on_live
from raw_device import RawDevice, all_records, refolded, some_event

from syncd.accounts import LinkedDevice
from syncd.bootstrap import Running, run_roles
from syncd.config import Config
from syncd.gateway import gateway
from syncd.operations.devices import revoke_device
from syncd.protocol.messages import Drain, Presence, Unsubscribed, Welcome


@asynccontextmanager
async def here_and_there(live: Live, *linked: LinkedDevice) -> AsyncIterator[list[RawDevice]]:
    """The first device at the module's service, the others at a second gateway."""
    async with fresh_server(live) as url:
        devices = [live.device(each) for each in linked]
        for device in devices[1:]:
            device.url = url
        for device in devices:
            await device.connect()
            await device.arrive("a:me")
        yield devices
        for device in devices:
            await device.disconnect()


@on_live
async def test_live_deltas_cross_in_both_directions(live: Live) -> None:
    rng = Random(3)
    async with here_and_there(live, *await live.account("phone", "laptop")) as (here, there):
        for device, other in ((here, there), (there, here)):
            ack = await device.emit_acked(*some_event(rng))
            delta = await other.knows(ack)
            assert delta.cursor == ack.cursor
            await other.agrees(device.digest())


@on_live
async def test_events_of_both_sides_at_once_end_in_one_state(live: Live) -> None:
    rng = Random(4)
    async with here_and_there(live, *await live.account("phone", "laptop", "tv")) as devices:
        for _ in range(10):
            for device in devices:
                await device.emit_all(*[some_event(rng) for _ in range(5)])
        for device in devices:
            await device.settled(f"a:{device.account}")
        expected = await refolded(live.service.deployment.log, f"a:{devices[0].account}")
        for device in devices:
            await device.agrees(expected)
            assert (await device.server_digest()).digest == expected


@on_live
async def test_a_device_moves_between_gateways_without_loss(live: Live) -> None:
    rng = Random(5)
    async with here_and_there(live, *await live.account("phone", "laptop")) as (here, there):
        urls = [live.service.ws_url, there.url]
        for turn in range(6):
            await here.emit_all(*[some_event(rng) for _ in range(10)])
            await there.emit_all(*[some_event(rng) for _ in range(10)])
            await here.cut()  # with events under way, and their acks lost
            here.url = urls[(turn + 1) % 2]
            emitted = here.emitted()
            await here.connect()
            welcome = await here.hello("a:me")
            assert welcome.writer == here.writer
            assert welcome.streams[0].resume in ("tail", "cells")
            await here.say({"type": "emit", "events": emitted[-10:]})
            await here.settled(f"a:{here.account}")
        await there.settled(f"a:{there.account}")
        expected = await refolded(live.service.deployment.log, f"a:{here.account}")
        await here.agrees(expected)
        await there.agrees(expected)


@on_live
async def test_what_one_gateway_admitted_is_seen_at_the_other(live: Live) -> None:
    async with here_and_there(live, *await live.account("phone", "laptop")) as (here, there):
        event = here.event("settings.changed", {"k": 1})
        bad = here.event("settings.changed", {"k": 0.5})
        await here.say({"type": "emit", "events": [event, bad]})
        ack, nack = await here.acked(1), await here.nacked(2)
        await here.cut()
        here.url = there.url
        await here.connect()
        assert (await here.hello("a:me")).streams[0].next_seq == 3
        await here.say({"type": "emit", "events": [event, bad]})
        again = await here.acked(1)
        assert (again.seen, again.t) == (True, ack.t)
        assert await here.nacked(2) == nack
        records = [r for r in await all_records(live.service.deployment.log) if r.writer == here.writer]
        assert [record.seq for record in records] == [1, 2]


@on_live
async def test_one_local_store_on_two_gateways_doubles_nothing_in_effect(live: Live) -> None:
    """The older connection still stands, as after a switch of networks; both emit the same seqs."""
    async with here_and_there(live, *await live.account("phone", "laptop")) as (here, there):
        twin = RawDevice(there.url, here.token)
        twin.writer, twin.account = here.writer, here.account
        async with twin:
            assert (await twin.hello("a:me")).writer == here.writer
            await twin.caught_up()
            insert = ("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": [{"track": "t"}]})
            for _ in range(10):
                await asyncio.gather(here.emit(*insert), twin.emit(*insert))
            await here.settled(f"a:{here.account}")
            await twin.settled(f"a:{here.account}")
            await there.agrees(await refolded(live.service.deployment.log, f"a:{here.account}"))
            runs = [key for key in there.cells[f"a:{here.account}"] if key.startswith("queue/run/")]
            assert len(runs) == 10


@on_live
async def test_presence_crosses(live: Live) -> None:
    phone, laptop, tv = await live.account("phone", "laptop", "tv")
    async with here_and_there(live, phone, laptop) as (here, there):
        assert (await here.expect(Presence)).device == laptop.device
        assert (await there.expect(Presence)).device == phone.device
        async with live.device(tv) as newcomer:
            await newcomer.arrive("a:me")
            told = {(await newcomer.expect(Presence)).device for _ in range(2)}
            assert told == {phone.device, laptop.device}
            assert (await there.expect(Presence)).device == tv.device
        gone = await there.expect(Presence)
        assert (gone.device, gone.online) == (tv.device, False)


@on_live
async def test_revocation_crosses(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    work = live.service.deployment
    async with here_and_there(live, phone, laptop) as (here, there):
        await revoke_device(work.accounts, work.log, work.side_channel, work.clock, laptop.device)
        assert (await there.closed())[0] == 4201
        assert (await here.expect_event("device.revoked")).cells


@on_live
async def test_a_lost_role_crosses(live: Live) -> None:
    (owner,) = await live.account("phone")
    (guest,) = await live.account("laptop")
    playlist = f"p:{owner.account}-shared"
    async with here_and_there(live, owner, guest) as (here, there):
        await here.subscribed(playlist)
        for role in ("viewer", None):
            await here.emit_acked("playlist.member_changed", {"account": guest.account, "role": role}, stream=playlist)
            if role == "viewer":
                await there.until_subscribed(playlist)
                await there.agrees(here.digest(playlist), playlist)
        assert (await there.expect(Unsubscribed)).stream == playlist


@on_live
async def test_who_waits_on_a_new_playlist_elsewhere_loses_it_to_its_owner(live: Live) -> None:
    """The owner's first event says nothing about roles, and is known to the other gateway by the log alone."""
    (owner,) = await live.account("phone")
    (guest,) = await live.account("laptop")
    playlist = f"p:{owner.account}-private"
    async with here_and_there(live, owner, guest) as (here, there):
        await there.subscribed(playlist)
        items = {"list": "items", "side": "R", "items": [{"track": "a secret song"}]}
        await here.emit_acked("list.inserted", items, stream=playlist)
        ended = await there.expect(Unsubscribed)
        assert (ended.stream, ended.reason) == (playlist, "forbidden")
        await there.round_trip()
        assert "secret" not in str(there.heard)


# --- drain ---


@on_live
async def test_a_draining_gateway_says_so_and_spreads_its_clients(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that keep coming do not hold up the drain: it would wait for an answer to the last of them."""
    monkeypatch.setattr(gateway, "APPEND_TIMEOUT_S", 10 * STORY_S)
    stop, running = asyncio.Event(), asyncio.get_running_loop().create_future()

    def on_ready(where: Running) -> None:
        running.set_result(where.ws_url)

    config = Config(port=0, ws_port=0, database_url=live.dsn)
    server = asyncio.create_task(run_roles(config, frozenset({"gateway"}), on_ready=on_ready, stop=stop))
    url = await running
    linked = await live.account(*[f"device {n}" for n in range(30)])
    devices = [await RawDevice(url, each.token).connect() for each in linked]
    for device in devices:
        await device.arrive("a:me")
    chatty = devices[0]
    emitting = [asyncio.create_task(emit_for_ever(device)) for device in devices[:4]]
    await chatty.acked(50)
    stop.set()
    drains = [await device.expect(Drain) for device in devices]
    closes = [await device.closed() for device in devices]
    await server
    for task in emitting:
        task.cancel()
    await asyncio.gather(*emitting, return_exceptions=True)
    assert {code for code, _ in closes} == {4000}
    waits_ms = [drain.reconnect_after_ms for drain in drains]
    assert all(0 <= wait_ms <= len(devices) for wait_ms in waits_ms)
    assert len(set(waits_ms)) > 5
    assert all(drain.url is None for drain in drains)

    # Everything acked is in the log, and what was not is taken by whoever comes next.
    records = [r for r in await all_records(live.service.deployment.log) if r.writer == chatty.writer]
    acked = {ack.seq for ack in chatty.acks()}
    assert acked <= {record.seq for record in records}
    for device in devices:
        await device.disconnect()
    chatty.url = live.service.ws_url
    async with chatty:
        emitted = chatty.emitted()
        welcome = await chatty.hello("a:me")
        next_seq = welcome.streams[0].next_seq
        assert next_seq == len(records) + 1
        await chatty.say({"type": "emit", "events": emitted[next_seq - 1 :][:200]})
        await chatty.round_trip()
        assert isinstance(welcome, Welcome)


async def emit_for_ever(device: RawDevice) -> None:
    """So much that the log always has something to do."""
    while device.close is None:
        await device.emit_all(*[("settings.changed", {"k": 1})] * 5)
        await asyncio.sleep(0.001)
