"""Forgetting an account: nothing of it is left where it was, everybody else keeps what is theirs."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from house import House, Tell, opened_house

from syncd.accounts import LinkedDevice
from syncd.client import Device
from syncd.client.connector import DeviceState
from syncd.config import Config
from syncd.errors import NotFound
from syncd.log.record import Record
from syncd.operations.erase import Erased, Eraser, Plan
from syncd.operations.refold import stream_pages
from syncd.operations.state import account_state
from syncd.operations.verify import verify
from syncd.protocol.messages import Unsubscribed
from syncd.store.port import NOBODY, WriterIdentity
from syncd.testing.service import running_service

OWN, SHARED, OTHERS = "p:playlist-of-alice-00", "p:playlist-of-alice-01", "p:playlist-of-bobby-00"
DEADLINE_S = 120.0


def eraser(house: House) -> Eraser:
    return Eraser(house.log, house.store, house.accounts, house.side_channel, house.clock)


async def lived_in(house: House) -> tuple[LinkedDevice, LinkedDevice]:
    """Alice has a playlist of her own and one that Bob may edit, and has added to one of Bob's. One of her records is
    a dead letter."""
    phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
    for device in (phone, car):
        await house.store.register_writers([WriterIdentity(device.device[:10], device.account, device.device, "n")])
    await house.emit(phone, "settings.changed", {"secret": "alice-was-here"})
    for stream in (OWN, SHARED):
        await house.emit(phone, "playlist.described", {"name": "alice-was-here"}, stream=stream)
    await house.emit(phone, "playlist.member_changed", {"account": car.account, "role": "editor"}, stream=SHARED)
    await house.emit(car, "playlist.described", {"name": "Bob's", "collaborative": True, "public": True}, stream=OTHERS)
    for stream in (SHARED, OTHERS):
        items = {"list": "items", "side": "R", "items": [{"track": "t1"}]}
        await house.emit(phone, "list.inserted", items, stream=stream)
    await house.append(Record(f"a:{phone.account}", phone.device[:10], 99, "settings.changed", 1, b"alice-was-here"))
    await house.project()
    await house.emit(car, "settings.changed", {"theme": "light"})
    return phone, car


async def erased(house: House, *, hand_over: bool = False) -> tuple[Plan, Erased]:
    plan = await eraser(house).plan(await house.accounts.find("alice"), hand_over=hand_over)
    return plan, await eraser(house).erase(plan, close_s=0)


async def items_of(house: House, device: LinkedDevice, stream: str) -> Any:
    await house.emit(device, "library.changed", {"set": "playlists", "ids": [stream[2:]], "value": True})
    state = await account_state(house.log, house.store, device.account, house.clock.ms)
    return [playlist["items"] for playlist in state["playlists"] if playlist["stream"] == stream]  # type: ignore[index,union-attr,call-overload]


def test_nothing_of_the_account_is_left_and_offsets_stay_without_gaps(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone, car = await lived_in(house)
        bob = (await account_state(house.log, house.store, car.account, house.clock.ms))["digests"]
        plan, done = await erased(house)
        assert [playlist.stream for playlist in plan.playlists] == [OWN, SHARED]
        assert [list(playlist.members) for playlist in plan.playlists] == [[], [car.account]]
        assert list(plan.contributions) == [OTHERS]
        assert done.records_made_nobody_s == 1
        with pytest.raises(NotFound):
            await house.accounts.find("alice")
        end = await house.log.end(0)
        records = await house.log.read(0, 0, limit=1_000)
        assert [record.offset for record in records] == list(range(end))
        for record in records:
            assert b"alice-was-here" not in record.body
            assert phone.account.encode() not in record.body or record.stream == SHARED
            assert phone.device.encode() not in record.body
        for stream in (f"a:{phone.account}", OWN, SHARED):
            assert not (await house.store.cells(stream, 0)).cells
            kinds = [record.kind async for page in stream_pages(house.log, stream) for record in page]
            assert kinds
            assert set(kinds) == {"erased"}
        assert await house.store.writers_of(phone.account) == []
        await house.project()
        found = await verify(house.log, house.store, seed=1)
        assert (found.agrees, found.unreadable) == (True, 0)
        assert not (await house.store.cells(OWN, 0)).cells, "a refold brings nothing back"
        assert (await account_state(house.log, house.store, car.account, house.clock.ms))["digests"] == bob

    tell(story)


def test_what_it_put_into_playlists_of_others_stays(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone, car = await lived_in(house)
        await erased(house)
        ((entry,),) = await items_of(house, car, OTHERS)
        assert entry["track"] == "t1"
        known = (await house.store.writers([phone.device[:10]]))[phone.device[:10]]
        assert (known.account, known.device, known.nonce) == ("", "", ""), "nobody else gets a writer of its name"

    tell(story)


def test_a_shared_playlist_goes_to_a_member_when_told(tell: Tell) -> None:
    async def story(house: House) -> None:
        _, car = await lived_in(house)
        plan, _ = await erased(house, hand_over=True)
        assert plan.handed_over == {SHARED: car.account}
        assert list(await house.store.streams_owned(car.account)) == [SHARED, OTHERS]
        ((entry,),) = await items_of(house, car, SHARED)
        assert entry["track"] == "t1"

    tell(story)


def test_nobody_can_claim_an_erased_playlist(tell: Tell) -> None:
    async def story(house: House) -> None:
        _, car = await lived_in(house)
        await erased(house)
        assert (await house.store.claim_stream(SHARED, owner=car.account)).owner == NOBODY

    tell(story)


def test_an_erasure_that_was_interrupted_is_completed_by_doing_it_again(tell: Tell) -> None:
    class CutOff(Exception):
        pass

    async def story(house: House) -> None:
        phone, _ = await lived_in(house)
        for streams in range(3):
            plan = await eraser(house).plan(await house.accounts.find("alice"), hand_over=False)

            def until(done: int, of_all: int, *, last: int = streams) -> None:
                if done == last:
                    raise CutOff

            with pytest.raises(CutOff):
                await eraser(house).erase(plan, close_s=0, progress=until)
        _, done = await erased(house)
        assert not any(b"alice-was-here" in record.body for record in await house.log.read(0, 0, limit=1_000))
        assert await eraser(house)._written_to(phone.account) == set()

    tell(story)


def test_what_is_left_in_the_database_names_neither_the_devices_nor_what_they_did(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            phone, _ = await lived_in(house)
            await erased(house)
        connection = await asyncpg.connect(postgres_dsn)
        tables = await connection.fetch("select tablename from pg_tables where schemaname = current_schema()")
        for (table,) in tables:
            rows = await connection.fetch(f"select {table}::text as row from {table}")
            text = "\n".join(row["row"] for row in rows)
            for trace in (phone.device, "alice-was-here", b"alice-was-here".hex()):
                assert trace not in text, (table, trace)
        await connection.close()

    asyncio.run(story())


def test_connected_devices_are_shut_out_and_members_lose_the_playlist(postgres_dsn: str) -> None:
    async def story() -> None:
        async with running_service(Config(database_url=postgres_dsn, port=0, ws_port=0)) as service:
            (phone,), (car,) = await service.account("alice", "phone"), await service.account("bob", "car")
            work = service.deployment
            async with (
                Device(service.ws_url, phone.token) as device,
                Device(service.ws_url, car.token) as member,
            ):
                shared = device.create_playlist("ours")
                shared.share(car.account, "editor")
                shared.add("t1")
                await device.settled()
                theirs = member.playlist(shared.id)
                await member.until(lambda: theirs.tracks == ["t1"])
                heard: list[object] = []
                member.on_message(heard.append)
                one = Eraser(work.log, work.store, work.accounts, work.side_channel, work.clock)
                plan = await one.plan(await work.accounts.find("alice"), hand_over=False)
                erasing = asyncio.create_task(one.erase(plan, close_s=0.5))
                await device.until(lambda: device.state is DeviceState.LOGIN_NEEDED)
                await member.until(lambda: any(isinstance(one, Unsubscribed) for one in heard))
                await erasing
                await member.queue.add("goes on")
                await member.settled()
            assert not (await work.store.cells(f"a:{phone.account}", 0)).cells

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
