"""Another number of partitions: everything is where it belongs, nothing is lost, everybody takes a snapshot."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from house import House, opened_house

from syncd.client import Device
from syncd.config import Config
from syncd.errors import Conflict, OffsetExpired, Refused
from syncd.log.partition import partition_of
from syncd.operations import offline
from syncd.operations.refold import stream_pages
from syncd.operations.repartition import Repartitioned, repartition
from syncd.operations.verify import verify
from syncd.testing.quiet import until_projected, verified
from syncd.testing.service import running_service

NAMES = [f"listener{n}" for n in range(12)]
DEADLINE_S = 120.0


async def to(dsn: str, partitions: int) -> Repartitioned:
    return await repartition(dsn, partitions)


async def lived_in(house: House) -> None:
    for name in NAMES:
        device = await house.device(name, "phone")
        for n in range(3):
            await house.emit(device, "settings.changed", {f"key{n}": name})
    await house.project()


async def streams(house: House) -> dict[str, list[tuple[str, int, bytes]]]:
    """Every stream's records, in their order."""
    found = {}
    for account in await house.accounts.all():
        stream = f"a:{account.account}"
        pages = [page async for page in stream_pages(house.log, stream)]
        found[stream] = [(record.writer, record.seq, record.body) for page in pages for record in page]
    return found


def told(story: object) -> None:
    asyncio.run(asyncio.wait_for(story, DEADLINE_S))  # type: ignore[arg-type]


@pytest.mark.parametrize("counts", [(7, 3, 1), (1024, 2)])
def test_every_stream_is_whole_in_its_new_partition_and_offsets_have_no_gaps(
    postgres_dsn: str, counts: tuple[int, ...]
) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
            before, epoch = await streams(house), house.log.epoch(0)
        partitions = 1
        for count in counts:
            done = await to(postgres_dsn, count)
            assert (done.partitions_old, done.partitions, done.records) == (partitions, count, 4 * len(NAMES))
            partitions = count
            async with opened_house(postgres_dsn, partitions=count) as house:
                assert await streams(house) == before
                assert house.log.epoch(0) != epoch
                for partition in range(count):
                    records = await house.log.read(partition, 0, limit=1_000)
                    assert [record.offset for record in records] == list(range(await house.log.end(partition)))
                    assert all(partition_of(record.stream, count) == partition for record in records)

    told(story())


def test_state_stays_and_a_refold_of_the_new_log_agrees_with_it(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
            phone = await house.device(NAMES[0], "tablet")  # not folded yet
        await to(postgres_dsn, 4)
        async with running_service(Config(database_url=postgres_dsn), frozenset({"projector"})) as service:
            work = service.deployment
            found = await verified(work.log, work.store)
            assert (found.agrees, found.behind, found.streams) == (True, 0, len(NAMES))
            names = (await work.store.cells(f"a:{phone.account}", work.log.partition_of(f"a:{phone.account}"))).cells
            assert f"device/{phone.device}/name" in [row.key for row in names]

    told(story())


def test_devices_go_on_where_they_were(postgres_dsn: str, tmp_path: object) -> None:
    async def story() -> None:
        store = f"{tmp_path}/phone.db"
        config = Config(database_url=postgres_dsn, port=0, ws_port=0)
        async with running_service(config) as service:
            (phone,) = await service.account("alice", "phone")
            async with Device(service.ws_url, phone.token, store=store) as device:
                await device.queue.add("t1")
                await device.settled()
        async with Device(service.ws_url, phone.token, store=store) as device:
            await device.queue.add("t2")
        await to(postgres_dsn, 5)
        async with running_service(config) as service, Device(service.ws_url, phone.token, store=store) as device:
            await device.settled()
            assert device.queue.tracks == ["t1", "t2"]
            assert (await device.verify()).agrees

    told(story())


def test_a_log_that_was_trimmed_does_not_look_whole_afterwards(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
            await house.log.trim(0, 5)  # type: ignore[attr-defined]
            account = (await house.accounts.find(NAMES[0])).account
            cells = (await house.store.cells(f"a:{account}", 0)).cells
        await to(postgres_dsn, 3)
        async with running_service(Config(database_url=postgres_dsn), frozenset({"projector"})) as service:
            work = service.deployment
            await until_projected(work.log, work.store)
            partition = work.log.partition_of(f"a:{account}")
            after = (await work.store.cells(f"a:{account}", partition)).cells
            assert {(row.key, row.rank, row.value) for row in after} == {
                (row.key, row.rank, row.value) for row in cells
            }
            with pytest.raises(OffsetExpired, match="begins at offset 1"):
                await verify(work.log, work.store, seed=1)

    told(story())


def test_a_projector_that_slept_through_it_writes_nothing(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
            old = await house.store.acquire(0, holder="frozen", ttl_s=0.01)
            assert old is not None
        await to(postgres_dsn, 2)
        async with opened_house(postgres_dsn, partitions=2) as house:
            lease = await house.store.acquire(0, holder="next", ttl_s=60.0)
            assert lease is not None
            assert lease.term > old.term

    told(story())


def test_nothing_is_changed_under_a_running_server_or_without_reason(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
        for count, error in ((1, Conflict), (0, Refused), (1_025, Refused)):
            with pytest.raises(error):
                await to(postgres_dsn, count)
        async with running_service(Config(database_url=postgres_dsn), frozenset({"projector"})):
            with monkeypatch.context() as hasty:
                hasty.setattr(offline, "PATIENCE_S", 0.3)
                with pytest.raises(Conflict, match="stop all servers"):
                    await to(postgres_dsn, 2)
        connection = await asyncpg.connect(postgres_dsn)
        await connection.execute("update deployment set log = 'kafka://b/t'")
        with pytest.raises(Refused, match="kafka://b/t"):
            await to(postgres_dsn, 2)
        await connection.close()

    told(story())


def test_interrupted_it_has_not_happened(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
            before = await streams(house)

        def until_late(done: int, of_all: int) -> None:
            if done == of_all - 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await repartition(postgres_dsn, 4, progress=until_late)
        async with opened_house(postgres_dsn) as house:
            assert (house.log.partitions, await streams(house)) == (1, before)

    told(story())
