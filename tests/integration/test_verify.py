"""The store compared with its log folded again, in memory and on Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from house import PLAYLIST, House, Tell, lived_in, opened_house, state_of

from syncd.errors import EpochChanged, OffsetExpired
from syncd.log.record import Record
from syncd.model.events import VOID
from syncd.operations.refolded_counts import CountDiffers
from syncd.operations.verify import Verified, verify, verify_streams
from syncd.operations.why import why
from syncd.testing.postgres import Version, create_database, drop_database


async def verified(house: House, *, seed: int = 1) -> Verified:
    return await verify(house.log, house.store, seed=seed)


def test_a_store_that_was_folded_from_the_log_agrees_with_it_in_any_order(tell: Tell) -> None:
    async def story(house: House) -> None:
        await lived_in(house)
        await house.project(batch=2)
        steps: list[tuple[int, int]] = []
        for seed in range(5):
            found = await verify(house.log, house.store, seed=seed, progress=lambda *step: steps.append(step))
            assert found.agrees
        assert (found.streams, found.records, found.behind, found.unreadable) == (3, await house.log.end(0), 0, 0)
        end = await house.log.end(0)
        assert steps[0] == (end, end), "a partition is read once for all its streams"

    tell(story)


def test_a_large_partition_is_compared_in_several_passes(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.operations.verify.PASS_RECORDS_MAX", 5)

    async def story(house: House) -> None:
        for name in "abcdef":
            await house.device(name, "phone")
        await lived_in(house)
        await house.project()
        end = await house.log.end(0)
        assert end > 15
        steps: list[tuple[int, int]] = []
        found = await verify(house.log, house.store, seed=3, progress=lambda *step: steps.append(step))
        assert (found.agrees, found.streams, found.records) == (True, 9, end)
        passes = -(-end // 5)
        assert steps == [(n * end, passes * end) for n in range(1, passes + 1)]

    tell(story)


def test_records_that_are_not_folded_yet_are_counted_and_not_compared(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.project()
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        found = await verified(house)
        assert found.agrees
        assert (found.records, found.behind) == (1, 1)

    tell(story)


def test_dead_letters_are_no_difference(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.append(Record(f"a:{phone.account}", "w" * 10, 1, "settings.changed", 1, b"{"))
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        await house.project()
        found = await verified(house)
        assert found.agrees
        assert found.unreadable == 1

    tell(story)


@pytest.mark.parametrize(
    ("statement", "key", "difference"),
    [
        ("delete from cells where key = 'settings/theme'", "settings/theme", "missing"),
        ("update cells set value = '\"light\"' where key = 'settings/theme'", "settings/theme", "different"),
        ("update cells set rank = rank || '0' where key = 'settings/theme'", "settings/theme", "different"),
        ("update cells set key = 'settings/x' where key = 'settings/theme'", "settings/x", "extra"),
    ],
)
def test_a_store_that_was_changed_is_found_out(postgres_dsn: str, statement: str, key: str, difference: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            phone, other = await house.device("alice", "phone"), await house.device("bob", "car")
            await house.emit(phone, "settings.changed", {"theme": "dark", "size": 1})
            await house.project()
            connection = await asyncpg.connect(postgres_dsn)
            await connection.execute(statement)
            await connection.close()
            (differs,) = (await verified(house)).differences
            assert differs.stream == f"a:{phone.account}" != f"a:{other.account}"
            assert differs.keys[key] == difference
            assert differs.store_digest != differs.refolded_digest
            explained = await why(house.log, house.store, differs.stream, "settings/theme")
            assert explained.agrees is (statement.startswith("update") and "rank" in statement)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("statement", "name", "store", "log"),
    [
        ("update writers set seq = 4 where writer = '{writer}'", "writer {writer}", "seq 4, t {t}", "seq 3, t {t}"),
        ("delete from writers where writer = '{writer}'", "writer {writer}", None, "seq 3, t {t}"),
        ("delete from voids", "void {writer}.3", None, "used up"),
        ("insert into voids select writer, stream, 2, 'limit' from voids", "void {writer}.2", "used up", None),
        ("update list_slots set slots = slots + 1", "list queue", "3 slots", "2 slots"),
        ("delete from list_slots", "list queue", None, "2 slots"),
    ],
)
def test_what_is_counted_is_compared_too(
    postgres_dsn: str, statement: str, name: str, store: str | None, log: str | None
) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            phone = await house.device("alice", "phone")
            await house.emit(phone, "list.inserted", {"list": "queue", "side": "R", "items": [{"track": "t"}] * 2})
            await house.emit(phone, "settings.changed", {"theme": "dark"})
            await house.emit(phone, VOID, {"reason": "expired"})
            await house.project()
            assert (await verified(house)).agrees
            writer = phone.device[:10]
            said = {
                "writer": writer,
                "t": (await house.store.counts([f"a:{phone.account}"], 0)).writers[f"a:{phone.account}", writer][1],
            }
            connection = await asyncpg.connect(postgres_dsn)
            await connection.execute(statement.format(**said))
            await connection.close()
            (differs,) = (await verified(house)).differences
            assert (differs.stream, differs.keys) == (f"a:{phone.account}", {})
            expected = CountDiffers(store and store.format(**said), log and log.format(**said))
            assert differs.counts == {name.format(**said): expected}
            (alone,) = (await verify_streams(house.log, house.store, [differs.stream], seed=1)).differences
            assert alone.counts == differs.counts

    asyncio.run(story())


def test_a_log_that_was_trimmed_cannot_be_refolded(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        await house.project()
        await house.log.trim(0, 1)  # type: ignore[attr-defined]
        with pytest.raises(OffsetExpired, match="begins at offset 1"):
            await verified(house)
        with pytest.raises(OffsetExpired, match="begins at offset 1"):
            await state_of(house, phone, at_ms=house.clock.ms)
        assert (await state_of(house, phone))["settings"] == {"theme": "dark"}

    tell(story)


def test_a_store_of_another_life_of_the_log_is_not_compared(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.project()
        lease = await house.store.acquire(0, holder="test", ttl_s=60.0)
        assert lease is not None
        await house.store.begin_epoch(lease, epoch="another", offset_next=1)
        with pytest.raises(EpochChanged, match="another"):
            await verified(house)
        with pytest.raises(EpochChanged, match="another"):
            await state_of(house, phone)

    tell(story)


def test_partitions_are_verified_each_on_its_own(postgres_servers: Callable[[Version], str]) -> None:
    async def story() -> None:
        admin_dsn = postgres_servers("18")
        dsn = await create_database(admin_dsn)
        try:
            async with opened_house(dsn, partitions=3) as house:
                for name in "abcdef":
                    await house.device(name, "phone")
                await house.project()
                whole = await verified(house)
                assert (whole.agrees, whole.streams) == (True, 6)
                parts = [await verify(house.log, house.store, seed=1, partitions=[n]) for n in range(3)]
                assert sum(part.streams for part in parts) == 6
                assert all(part.streams < 6 for part in parts)
        finally:
            await drop_database(admin_dsn, dsn)

    asyncio.run(story())


def test_some_streams_are_verified_without_the_others(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await lived_in(house)
        other = await house.device("bob", "car")
        await house.project()
        mine = [f"a:{phone.account}", PLAYLIST]
        found = await verify_streams(house.log, house.store, mine, seed=1)
        assert (found.agrees, found.streams) == (True, 2)
        assert 0 < found.records < await house.log.end(0)
        nobody = await verify_streams(house.log, house.store, ["a:nobody"], seed=1)
        assert (nobody.agrees, nobody.streams) == (True, 0)
        assert (await verify_streams(house.log, house.store, [f"a:{other.account}"], seed=1)).streams == 1

    tell(story)
