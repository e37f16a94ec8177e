"""Cells built anew while everything goes on: live devices, projector and gateways, one of them or two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, cast

import pytest
from live_service import Live, fresh_server, on_live
from raw_device import RawDevice, assert_in_order, refolded, some_event

from syncd.errors import Conflict
from syncd.log.record import LoggedRecord
from syncd.model.events import REBUILT
from syncd.operations.rebuild import Rebuilt, rebuild_accounts, rebuild_all
from syncd.postgres.connection import connect, hang_up
from syncd.projector import rebuild as rebuilding
from syncd.protocol.messages import Snapshot
from syncd.testing.patience import eventually
from syncd.testing.quiet import state_of_store

PACE_S = 0.03
"""Between events of one device: a rebuild in very small steps has to be faster than all of them."""


@asynccontextmanager
async def by_hand(live: Live) -> AsyncIterator[Callable[..., Awaitable[object]]]:
    """SQL behind everybody's back."""
    connection = await connect(live.dsn)
    try:
        yield connection.execute
    finally:
        await hang_up(connection)


async def rebuilt(live: Live, *accounts: str, dry_run: bool = False) -> Rebuilt:
    """Of these accounts, or of all."""
    work = live.service.deployment
    parts = (work.log, work.store, work.rebuilds, work.clock)

    def progress(done: int, of_all: int) -> None:
        assert 0 < done <= of_all

    if accounts:
        return await rebuild_accounts(*parts, work.accounts, accounts, dry_run=dry_run, progress=progress)
    return await rebuild_all(*parts, dry_run=dry_run, progress=progress)


async def stored(live: Live, stream: str) -> str:
    return (await state_of_store(live.service.deployment.log, live.service.deployment.store, stream)).digest


async def settings(device: RawDevice, **values: object) -> None:
    await device.emit_acked("settings.changed", values)


@on_live
async def test_where_nothing_differs_nothing_is_written(live: Live) -> None:
    (phone,) = await live.account("phone")
    async with live.device(phone) as device:
        await device.arrive("a:me")
        await settings(device, theme="dark")
        await live.projected()
        end = await live.service.deployment.log.end(0)
        for done in (await rebuilt(live), await rebuilt(live, phone.account)):
            assert done.differences == []
            assert done.cells_changed == 0
        assert await live.service.deployment.log.end(0) == end


@on_live
async def test_cells_that_were_lost_or_fell_behind_come_back_as_a_delta(live: Live) -> None:
    """Nothing falls, so nobody needs a snapshot: who is connected, who was away, and who looks at a small view."""
    phone, laptop, tv = await live.account("phone", "laptop", "tv")
    stream = f"a:{phone.account}"
    async with live.device(phone) as device, live.device(laptop) as away, live.device(tv) as small:
        await device.arrive("a:me")
        await settings(device, theme="dark", volume=3, shown="x")
        await device.emit_acked(
            "list.inserted", {"list": "queue", "parent": None, "side": "R", "items": [{"track": "t"}]}
        )
        await live.projected()
        async with by_hand(live) as execute:
            await execute("delete from cells where stream = $1 and key ~ '^(settings/theme|queue/run/)'", stream)
            await execute("update cells set rank = '0' where stream = $1 and key = 'settings/volume'", stream)
        await away.arrive("a:me")  # from the damaged store: it has no theme, and its cursor says that it is up to date
        await away.disconnect()
        await small.hello("a:me", view="now")
        assert (await small.until(lambda: small.views()[-1:]))[0].queue == []

        dry = await rebuilt(live, phone.account, dry_run=True)
        (found,) = dry.differences
        assert (found.missing, found.extra, found.different, found.falls) == (2, 0, 1, False)
        assert "settings/theme" in found.keys
        assert found.live_digest == await stored(live, stream)
        assert found.staged_digest == await refolded(live.service.deployment.log, stream)
        assert (await rebuilt(live, phone.account)).cells_changed == 3

        expected = await refolded(live.service.deployment.log, stream)
        assert await stored(live, stream) == expected
        welcome = await reconnect(away)
        assert welcome == "cells"
        fresh = live.device(laptop, nonce="a-new-store-0000")
        async with fresh:
            await fresh.arrive("a:me")
            for each in (device, away, fresh):
                await each.agrees(expected)
                assert (await each.server_digest()).digest == expected
        assert len([m for m in device.heard if isinstance(m, Snapshot) and m.part == 0]) == 1  # the one it began with
        await small.until(lambda: small.views()[-1].queue)
        await settings(device, theme="light")
        await away.agrees(device.digest())


async def reconnect(device: RawDevice) -> str:
    """How it resumes."""
    await device.connect()
    welcome = await device.hello("a:me")
    return welcome.streams[0].resume


@on_live
async def test_cells_that_were_made_up_or_are_ahead_fall_and_devices_take_a_snapshot(live: Live) -> None:
    phone, laptop, tv = await live.account("phone", "laptop", "tv")
    stream = f"a:{phone.account}"
    async with live.device(phone) as device, live.device(laptop) as away, live.device(tv) as late:
        await device.arrive("a:me")
        await settings(device, theme="dark")
        await live.projected()
        async with by_hand(live) as execute:
            made_up = "insert into cells values ($1, 'settings/evil', 'zzz', '1', 0)"
            await execute(made_up, stream)
            await execute("update cells set rank = 'zzz' where stream = $1 and key = 'settings/theme'", stream)
        for each in (away, late):
            await each.arrive("a:me")
            assert "settings/evil" in each.cells[stream]
        await late.disconnect()
        assert (await rebuilt(live, phone.account)).differences[0].falls
        expected = await refolded(live.service.deployment.log, stream)
        assert await stored(live, stream) == expected
        # Connected ones are sent a snapshot, and so is who comes back with a cursor of before.
        for each in (device, away):
            await each.agrees(expected)
            assert "settings/evil" not in each.cells[stream]
        assert await reconnect(late) == "snapshot"
        await late.agrees(expected)
        # Cursors of the new generation work as ever.
        await late.disconnect()
        await settings(device, theme="light")
        assert await reconnect(late) == "tail"
        await late.agrees(device.digest())
        await away.agrees(device.digest())
        assert (await device.server_digest()).digest == device.digest()


@on_live
async def test_what_another_gateway_serves_is_told_too(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    stream = f"a:{phone.account}"
    async with fresh_server(live) as url, live.device(phone) as here, live.device(laptop) as there:
        there.url = url
        await there.disconnect()
        await there.connect()
        for each in (here, there):
            await each.arrive("a:me")
        await settings(here, theme="dark")
        await live.projected()
        async with by_hand(live) as execute:
            await execute(
                "update cells set rank = 'zzz', value = '0' where stream = $1 and key = 'settings/theme'", stream
            )
        await rebuilt(live)
        expected = await refolded(live.service.deployment.log, stream)
        for each in (here, there):
            await each.agrees(expected)
            assert (await each.server_digest()).digest == expected


@on_live
async def test_a_role_that_the_store_had_wrong_is_enforced_when_it_is_mended(live: Live) -> None:
    (owner,) = await live.account("owner")
    (guest,) = await live.account("guest")
    playlist = "p:mended-playlist-of-ours"
    async with live.device(owner) as device, live.device(guest) as other:
        await device.arrive("a:me", playlist)
        await device.emit_acked("playlist.described", {"name": "ours"}, stream=playlist)
        await live.projected()
        async with by_hand(live) as execute:
            await execute(
                f"insert into cells values ('{playlist}', $1, 'zzz', '\"editor\"', 0)", f"member/{guest.account}"
            )
        async with fresh_server(live) as url:  # one that has not loaded the stream's rules yet
            other.url = url
            await other.disconnect()
            await other.connect()
            await other.arrive("a:me")
            await other.subscribed(playlist)
            await other.caught_up(playlist)
            await rebuilt(live, owner.account)

            async def is_out() -> bool:
                return any(getattr(m, "reason", None) == "forbidden" for m in other.heard)

            await eventually(is_out)


@on_live
async def test_devices_emit_and_come_and_go_while_it_runs(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps so small that events, folds and swaps interleave: digests agree, and no delta is missed."""
    monkeypatch.setattr(rebuilding, "STAGE_RECORDS", 40)
    monkeypatch.setattr(rebuilding, "SWAP_CELLS", 20)
    rng = Random(21)
    logins = [await live.account("phone", "laptop", "tv") for _ in range(3)]
    streams = [f"a:{phone.account}" for phone, _, _ in logins]
    devices = [[await live.device(login).connect() for login in of_account] for of_account in logins]
    for device in sum(devices, []):
        await device.arrive("a:me")
    running = True

    async def emit(device: RawDevice) -> None:
        while running:
            await device.emit_all(*[some_event(rng) for _ in range(3)])
            await device.settled(f"a:{device.account}")
            await asyncio.sleep(PACE_S)

    async def leave_and_return(device: RawDevice) -> None:
        while running:
            await device.emit_acked(*some_event(rng))
            await device.cut()
            await device.connect()
            await device.arrive("a:me")
            await asyncio.sleep(PACE_S)

    async with asyncio.TaskGroup() as group:
        for phone, laptop, _ in devices:
            group.create_task(emit(phone))
            group.create_task(leave_and_return(laptop))
        try:
            changed = 0
            for round_ in range(10):
                async with by_hand(live) as execute:
                    for stream in streams:
                        # Of each three rounds one only loses cells; the others also have some that are too large.
                        await execute("delete from cells where stream = $1 and key ~ '[02468]$'", stream)
                        if round_ % 3:
                            await execute(
                                "update cells set rank = 'zzz' where stream = $1 and key ~ '[13579]$'", stream
                            )
                changed += (await rebuilt(live)).cells_changed
            assert changed > 0
        finally:
            running = False
    for stream, of_account in zip(streams, devices, strict=True):
        expected = await refolded(live.service.deployment.log, stream)
        for device in of_account:
            await device.agrees(expected)
            assert (await device.server_digest()).digest == expected
    await live.projected()
    for stream in streams:
        assert await stored(live, stream) == await refolded(live.service.deployment.log, stream)
    for device in sum(devices, []):
        await device.disconnect()


@on_live
async def test_stopped_in_the_middle_it_goes_on_where_it_was(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    (phone,) = await live.account("phone")
    async with live.device(phone) as device:
        await device.arrive("a:me")
        for n in range(30):
            await settings(device, n=n)
        await live.projected()
        async with by_hand(live) as execute:
            await execute("delete from cells where stream = $1", f"a:{phone.account}")
        monkeypatch.setattr(rebuilding, "STAGE_RECORDS", 10)
        work = live.service.deployment
        passed = asyncio.Event()

        class HeldLog:
            """The real log, until a part of it has passed."""

            def __getattr__(self, name: str) -> Any:
                return getattr(work.log, name)

            async def read(self, *where: int, limit: int) -> Sequence[LoggedRecord]:
                if passed.is_set():
                    await asyncio.Event().wait()
                return await work.log.read(*where, limit=limit)

        task = asyncio.create_task(
            rebuild_all(
                cast(Any, HeldLog()), work.store, work.rebuilds, work.clock, dry_run=False,
                progress=lambda done, of_all: passed.set() if done > 10 else None,
            )
        )  # fmt: skip
        await passed.wait()
        with pytest.raises(Conflict):
            await rebuilt(live, phone.account)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        async def done() -> Rebuilt | None:
            try:
                return await rebuilt(live)
            except Conflict:  # its connection has not ended yet
                return None

        second = await eventually(done)
        assert second is not None
        assert second.resumed > 0
        assert second.cells_changed == 2
        assert (await rebuilt(live)).resumed == 0
        await device.agrees(await refolded(work.log, f"a:{phone.account}"))


@on_live
async def test_a_program_that_lowers_differently_begins_anew(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    (phone,) = await live.account("phone")
    async with live.device(phone) as device:
        await device.arrive("a:me")
        await settings(device, theme="dark")
        await live.projected()
    work = live.service.deployment
    monkeypatch.setattr(rebuilding, "STAGE_RECORDS", 1)

    def stop(done: int, of_all: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await rebuild_all(work.log, work.store, work.rebuilds, work.clock, dry_run=True, progress=stop)
    monkeypatch.setattr(rebuilding, "program", lambda: "another")

    async def done() -> Rebuilt | None:
        try:
            return await rebuilt(live)
        except Conflict:
            return None

    again = await eventually(done)
    assert again is not None
    assert again.resumed == 0


@on_live
async def test_its_record_is_told_apart_and_writes_nothing(live: Live) -> None:
    (phone,) = await live.account("phone")
    stream = f"a:{phone.account}"
    async with live.device(phone) as device:
        await device.arrive("a:me")
        start = await live.service.deployment.log.end(0)
        await settings(device, theme="dark")
        await live.projected()
        async with by_hand(live) as execute:
            await execute("delete from cells where stream = $1", stream)
        await rebuilt(live, phone.account)
        await settings(device, theme="light")
        log = live.service.deployment.log
        records = [r for r in await log.read(0, start, limit=100) if r.stream == stream]
        assert [r.kind for r in records] == ["settings.changed", REBUILT, "settings.changed"]
        rows = (await live.service.deployment.store.cells(stream, 0)).cells
        assert {row.log_offset for row in rows} <= {r.offset for r in records}
        assert_in_order(device, stream, [r for r in records if r.kind != REBUILT], start=start)
