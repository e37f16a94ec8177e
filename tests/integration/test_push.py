"""Every road by which a device comes to know the state, and the order in which it hears of it."""

from __future__ import annotations

import asyncio
import socket
from random import Random

import pytest
from live_service import BOTH, Live, fresh_server, greeted, on_live
from raw_device import RawDevice, all_records, assert_in_order, offset_in, refolded, some_event

from syncd.accounts import LinkedDevice
from syncd.config import Config
from syncd.gateway import gateway
from syncd.projector.folding import fold_records
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.protocol.messages import Delta, Presence, Snapshot
from syncd.store.port import Batch
from syncd.testing.service import Service, running_service


async def emit_some(rng: Random, device: RawDevice, count: int) -> None:
    """Emit that many events and wait until all are durable."""
    seqs = await device.emit_all(*[some_event(rng) for _ in range(count)])
    await device.acked(seqs[-1])


# --- roads ---


@BOTH
@on_live
async def test_all_roads_lead_to_the_same_digest(live: Live, codec: Codec) -> None:
    rng = Random(7)
    linked = await live.account("phone", "laptop", "car", "tv")
    phone, laptop, car, tv = (live.device(each, codec=codec) for each in linked)
    await phone.connect()
    await phone.arrive("a:me")
    stream = f"a:{phone.account}"
    async with phone, laptop.connected(), car.connected():
        await laptop.arrive("a:me")
        await car.arrive("a:me")
        await car.caught_up()
        await emit_some(rng, phone, 30)
        await emit_some(rng, laptop, 30)
        await car.disconnect()
        await emit_some(rng, phone, 30)

        async with car.connected():
            assert (await car.hello("a:me")).streams[0].resume == "tail"
            kinds = [delta.by.kind for delta in car.heard if isinstance(delta, Delta) and delta.by is not None]
            await car.round_trip()
            assert len([delta for delta in car.heard if isinstance(delta, Delta) and delta.by is not None]) == 30, kinds
        old = car.cursors[stream], {key: dict(cells) for key, cells in car.cells.items()}
        await emit_some(rng, laptop, 30)
        await live.projected()

        async with fresh_server(live) as url:
            car.url = tv.url = url
            async with car.connected(), tv.connected():
                assert (await car.hello("a:me")).streams[0].resume == "cells"
                assert (await tv.hello("a:me")).streams[0].resume == "snapshot"
                snapshot = await tv.expect(Snapshot, lambda snapshot: snapshot.last)
                changed = await car.expect(Delta, lambda delta: delta.cursor is not None)
                assert changed.by is None
                assert offset_in(changed.cursor or "") > offset_in(old[0])
                assert len(changed.cells) < len(snapshot.cells)
                await emit_some(rng, phone, 10)  # crosses from the first gateway
                expected = await refolded(live.service.deployment.log, stream)
                for device in (phone, laptop, car, tv):
                    await device.agrees(expected)
                    assert (await device.server_digest()).digest == expected


@BOTH
@on_live
async def test_a_snapshot_joins_the_store_with_the_tail_of_the_log(live: Live, codec: Codec, postgres_dsn: str) -> None:
    """Here no projector runs but this test, so the store is where the test leaves it."""
    rng = Random(8)
    config = Config(port=0, ws_port=0, database_url=postgres_dsn)
    async with running_service(config, frozenset({"gateway"})) as service:
        phone, tv, car = await service.account("anna", "phone", "tv", "car")
        async with RawDevice(service.ws_url, phone.token, codec=codec) as device:
            await device.arrive("a:me")
            for part in range(3):
                await emit_some(rng, device, 40)
                await expect_snapshot(service, tv, codec, same_as=device)
                if part == 1:
                    await project(service)
            async with running_service(config, frozenset({"gateway"})) as fresh:
                await expect_snapshot(fresh, car, codec, same_as=device)


async def expect_snapshot(service: Service, linked: LinkedDevice, codec: Codec, *, same_as: RawDevice) -> None:
    async with RawDevice(service.ws_url, linked.token, codec=codec) as fresh:
        assert (await fresh.hello("a:me")).streams[0].resume == "snapshot"
        await fresh.expect(Snapshot, lambda snapshot: snapshot.last)
        assert fresh.digest() == same_as.digest() == (await fresh.server_digest()).digest
        assert len(fresh.cells[f"a:{fresh.account}"]) > 20


async def project(service: Service) -> None:
    """What a projector does, once."""
    log, store = service.deployment.log, service.deployment.store
    lease = await store.acquire(0, holder="test", ttl_s=60.0)
    assert lease is not None
    records = await all_records(log)
    folded = fold_records(records)
    rows = (folded.cells, folded.writers, folded.voids, folded.slots, folded.dead_letters)
    await store.commit(Batch(lease, log.epoch(0), 0, records[-1].offset + 1, *rows))


def test_a_writers_clock_never_falls_back_to_what_the_store_knows(postgres_dsn: str) -> None:
    """A stream is opened while the store is behind: its last time of the writer is not the writer's last time."""

    async def story() -> None:
        config = Config(port=0, ws_port=0, database_url=postgres_dsn)
        async with running_service(config, frozenset({"gateway"})) as service:
            (phone,) = await service.account("anna", "phone")
            device = RawDevice(service.ws_url, phone.token)
            async with device.connected():
                await device.arrive("a:me")
                await device.emit_acked("settings.changed", {"k": 1})
            await project(service)
            async with device.connected():
                await device.arrive("a:me")
                now_ms = service.deployment.clock.now_ms()
                later = await device.emit_acked("settings.changed", {"k": 2}, t=now_ms << 11)
                playlist = f"p:{phone.account}-playlist"
                other = await device.emit_acked("playlist.described", {"name": "x"}, stream=playlist, t=1)
                assert other.t > later.t

    asyncio.run(story())


@on_live
async def test_a_large_snapshot_comes_in_parts_and_the_last_one_brings_the_cursor(live: Live) -> None:
    async with greeted(live) as device:
        for n in range(30):
            await device.emit_all(*[("settings.changed", {f"{n}-{k}": "x" * 200 for k in range(60)})])
        await device.acked(30)
        await live.projected()
        async with RawDevice(device.url, device.token) as other:
            await other.arrive("a:me")
            parts: list[Snapshot] = []
            while not parts or not parts[-1].last:
                parts.append(await other.expect(Snapshot))
            assert [part.part for part in parts] == list(range(len(parts)))
            assert len(parts) > 3
            assert [part.cursor is not None for part in parts] == [False] * (len(parts) - 1) + [True]
            assert max(len(part.cells) for part in parts) <= 500
            assert other.digest() == device.digest()


@on_live
async def test_a_resume_by_cells_brings_a_cursor_even_when_nothing_changed(live: Live) -> None:
    async with greeted(live) as device, greeted(live) as busy:
        await device.disconnect()
        before = dict(device.cursors)
        await busy.emit_acked("settings.changed", {"k": 1})
        await live.projected()
        async with fresh_server(live) as url:
            device.url = url
            async with device.connected():
                assert (await device.arrive("a:me")).streams[0].resume == "cells"
                (delta,) = [m for m in device.heard if isinstance(m, Delta)]
                assert (delta.cells, delta.by) == ([], None)
                assert offset_in(delta.cursor or "") > offset_in(before[delta.stream])


@on_live
async def test_the_one_that_gets_the_ack_gets_no_delta_and_everyone_else_does(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    async with live.device(phone) as device, live.device(phone, nonce="tab 2") as tab, live.device(laptop) as other:
        for each in (device, tab, other):
            await each.arrive("a:me")
        ack = await device.emit_acked("settings.changed", {"k": 1})
        first, second = await tab.knows(ack), await other.knows(ack)
        assert first == second
        assert first.cursor == ack.cursor
        assert first.by is not None
        assert (first.by.account, first.by.device, first.by.kind) == (phone.account, phone.device, "settings.changed")
        assert (first.by.event, first.by.t) == (f"{ack.writer}.1", ack.t)
        await device.round_trip()
        # Not "no delta at all": those of the devices' linking come behind the snapshot when the projector is busy.
        assert first.by.event not in [m.by.event for m in device.heard if isinstance(m, Delta) and m.by is not None]
        await device.cut()
        del device.cursors[f"a:{phone.account}"]
        device.cells.clear()


@on_live
async def test_after_unsubscribed_nothing_more_comes_and_emitting_goes_on(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    async with live.device(phone) as device, live.device(laptop) as other:
        await device.arrive("a:me")
        await other.arrive("a:me")
        await device.say({"type": "unsubscribe", "stream": "a:me"})
        await device.round_trip()
        mark = len(device.heard)
        await other.emit_acked("settings.changed", {"k": 1})
        ack = await device.emit_acked("settings.changed", {"k": 2})
        assert ack.cursor is None
        await other.knows(ack)
        await device.round_trip()
        assert not [m for m in device.heard[mark:] if isinstance(m, Delta | Snapshot)]
        assert (await device.subscribed("a:me")).resume == "tail"
        await device.agrees(other.digest())


@on_live
async def test_a_digest_is_told_for_subscribed_streams_only(live: Live) -> None:
    async with greeted(live) as device:
        await device.say({"type": "digest", "stream": "p:" + "x" * 20})
        error = await device.refused()
        assert (error.code, error.stream) == ("invalid", "p:" + "x" * 20)
        await device.emit_acked("settings.changed", {"a": 1, "b": 2})
        told = await device.server_digest()
        assert (told.digest, told.cells) == (device.digest(), len(device.cells[f"a:{device.account}"]))
        assert told.cursor == device.cursors[f"a:{device.account}"]


@on_live
async def test_an_idle_stream_gets_a_fresh_cursor_while_others_are_busy(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "CURSOR_REFRESH_S", 0.2)
    async with greeted(live) as idle, greeted(live) as busy:
        ack = await busy.emit_acked("settings.changed", {"k": 1})
        before = idle.digest()
        delta = await idle.expect(
            Delta, lambda delta: offset_in(delta.cursor or ".0") >= offset_in(busy.cursors[ack.stream])
        )
        assert (delta.cells, delta.by) == ([], None)
        assert idle.digest() == before


# --- order ---


@pytest.mark.parametrize("seed", range(4))
@on_live
async def test_cursors_only_rise_and_nothing_is_missing_below_them(live: Live, seed: int) -> None:
    """Three devices of one account and two streams, all emitting at once; now and then one loses its connection."""
    rng = Random(seed)
    linked = await live.account("phone", "laptop", "tv")
    playlist = f"p:{linked[0].account}-mine-{seed}"
    devices = [live.device(each, codec=rng.choice([JSON, MSGPACK])) for each in linked]
    heard: list[tuple[RawDevice, list[object], int]] = []

    async def connect(device: RawDevice) -> None:
        await device.connect()
        stream = f"a:{linked[0].account}"
        held = device.cursors.get(stream)
        await device.arrive("a:me", playlist)
        if held is None:
            held = (await device.expect(Snapshot, lambda part: part.last and part.stream == stream)).cursor
            assert held is not None
        heard.append((device, list(device.heard), offset_in(held)))

    async def live_its_life(device: RawDevice, rng: Random) -> None:
        for _ in range(12):
            await device.emit_all(*[some_event(rng) for _ in range(rng.randrange(1, 6))])
            items = [{"track": f"t{rng.randrange(100)}"}]
            inserted = ("list.inserted", {"list": "items", "parent": None, "side": "R", "items": items})
            await device.emit(*inserted, stream=playlist)
            if rng.random() < 0.3:
                await all_acked(device, playlist)
            if rng.random() < 0.2:
                await all_acked(device, playlist)
                await judge(device)
                await device.cut()
                await connect(device)
            await asyncio.sleep(rng.random() / 200)
        await all_acked(device, playlist)

    async def judge(device: RawDevice) -> None:
        records = await all_records(live.service.deployment.log)
        start = next(start for who, _, start in reversed(heard) if who is device)
        assert_in_order(device, f"a:{device.account}", records, start=start)

    for device in devices:
        await connect(device)
    # Whoever is first owns the playlist; all are of one account.
    async with asyncio.TaskGroup() as group:
        for device in devices:
            group.create_task(live_its_life(device, Random(rng.random())))
    for device in devices:
        for stream in ("a:me", playlist):
            await device.agrees(devices[0].digest(stream), stream)
        assert device.digest(playlist) == (await device.server_digest(playlist)).digest
        await device.agrees((await device.server_digest()).digest)
        await judge(device)
        await device.disconnect()


async def all_acked(device: RawDevice, playlist: str) -> None:
    """Wait until this connection's own events are durable."""
    for stream in (f"a:{device.account}", playlist):
        await device.settled(stream)


# --- slow readers ---


@on_live
async def test_a_slow_reader_falls_behind_and_catches_up_with_nothing_lost(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    sock.setblocking(False)
    host, port = live.service.ws_url.split("/")[2].split(":")
    await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
    slow = await live.device(phone).connect(sock=sock)
    async with slow, live.device(laptop) as device:
        await slow.arrive("a:me")
        await device.arrive("a:me")
        start = offset_in(await slow.caught_up())
        mine = await slow.emit_acked("settings.changed", {"mine": 1})
        await device.knows(mine)
        slow.pause()
        for n in range(25):
            seqs = await device.emit_all(*[("settings.changed", {f"k{k}": f"{n}" * 30_000}) for k in range(4)])
            await device.acked(seqs[-1])
        slow.go_on()
        await slow.agrees(device.digest())
        assert_in_order(slow, f"a:{phone.account}", await all_records(live.service.deployment.log), start=start)
        bys = [m.by for m in slow.heard if isinstance(m, Delta) and m.by is not None]
        deltas = [by.event for by in bys if by.kind == "settings.changed"]  # not those of the devices' linking
        assert len(deltas) == len(set(deltas)) == 100
        ack = await slow.emit_acked("settings.changed", {"mine": 2})
        await device.knows(ack)


# --- presence ---


@on_live
async def test_presence_tells_who_is_here_and_nobody_of_themselves(live: Live) -> None:
    phone, laptop, tv = await live.account("phone", "laptop", "tv")
    async with live.device(phone) as device:
        await device.arrive("a:me")
        async with live.device(laptop) as other:
            await other.arrive("a:me")
            here = await device.expect(Presence)
            assert (here.stream, here.device, here.online) == (f"a:{phone.account}", laptop.device, True)
            assert abs(here.since_ms - live.service.deployment.clock.now_ms()) < 60_000
            told = await other.expect(Presence)
            assert (told.device, told.online) == (phone.device, True)
            async with live.device(laptop, nonce="tab 2") as tab:
                await tab.arrive("a:me")
            await device.round_trip()
        gone = await device.expect(Presence)
        assert (gone.device, gone.online, gone.since_ms) == (laptop.device, False, here.since_ms)
        async with live.device(tv) as newcomer:
            await newcomer.arrive("a:me")
            assert (await newcomer.expect(Presence)).device == phone.device
        assert phone.device not in [m.device for m in device.heard if isinstance(m, Presence)]


# --- small devices ---


@BOTH
@on_live
async def test_a_small_device_gets_views_instead_of_cells(live: Live, codec: Codec) -> None:
    phone, watch = await live.account("phone", "watch")
    async with live.device(phone) as device, live.device(watch, codec=codec) as small:
        await device.arrive("a:me")
        welcome = await small.hello("a:me", view="now")
        assert welcome.streams[0].resume == "tail"
        await small.until(lambda: small.views())
        assert (small.views()[0].playback, small.views()[0].queue) == (None, [])
        items = [{"track": f"t{n}"} for n in range(25)]
        await device.emit_acked("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": items})
        await small.until(lambda: small.views()[-1].queue)
        queue = small.views()[-1].queue
        assert [(entry.id, entry.track) for entry in queue] == [(f"{device.writer}.1.{n}", f"t{n}") for n in range(20)]
        item = {"from": "queue", "id": f"{device.writer}.1.0", "track": "t0"}
        started = {"device": phone.device, "item": item, "follows": [], "position_ms": 0, "playing": True,
                   "speed_permille": 1_000}  # fmt: skip
        now_ms = live.service.deployment.clock.now_ms()
        await device.emit_acked("playback.started", started, t=now_ms << 11)
        await small.until(lambda: small.views()[-1].playback is not None)
        view = small.views()[-1]
        assert [entry.track for entry in view.queue] == [f"t{n}" for n in range(1, 21)]
        playback = view.playback
        assert playback is not None
        assert (playback.device, playback.playing, playback.item.track) == (phone.device, True, "t0")
        assert (playback.play, playback.epoch, playback.generation) == (f"{device.writer}.2",) * 2 + (0,)
        assert view.cursor == device.cursors[f"a:{phone.account}"]
        # What it needs to pause, seek, and go on is in the view.
        ack = await small.emit_acked("playback.paused", {"epoch": playback.epoch}, t=(now_ms << 11) + 1)
        await device.knows(ack)
        await small.until(lambda: not getattr(small.views()[-1].playback, "playing", True))
        assert not [m for m in small.heard if isinstance(m, Delta | Snapshot)]


@on_live
async def test_many_changes_at_once_are_one_view(live: Live) -> None:
    phone, watch = await live.account("phone", "watch")
    async with live.device(phone) as device, live.device(watch) as small:
        await device.arrive("a:me")
        await small.hello("a:me", view="now")
        await small.until(lambda: small.views())
        insert = ("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": [{"track": "t"}]})
        await device.acked((await device.emit_all(*[insert] * 50))[-1])
        await small.until(lambda: len(small.views()[-1].queue) == 20)
        await small.round_trip()
        assert len(small.views()) < 10
