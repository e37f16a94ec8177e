"""Backups: whole, of one moment, refused where they would harm; and the drill with devices that knew more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from house import START_MS, House, opened_house

from syncd.accounts import LinkedDevice
from syncd.bootstrap import back_up_deployment, restore_deployment
from syncd.client import Device
from syncd.config import Config
from syncd.errors import ConfigError, Conflict, NotFound, Undecodable
from syncd.model.cells import digest
from syncd.operations import offline
from syncd.operations.backup.carrying import carry_checkpoints
from syncd.operations.backup.manifest import Manifest, read_manifest, write_manifest
from syncd.operations.backup.owners import claim_owners
from syncd.operations.backup.restoring import check_backup
from syncd.operations.backup.tables import made_by_migrations
from syncd.operations.backup.taking import take_backup
from syncd.operations.state import account_state
from syncd.operations.verify import verify
from syncd.store.migrate import known_migrations, migrate
from syncd.store.port import WriterIdentity
from syncd.testing.beside import beside
from syncd.testing.postgres import Version, create_database, drop_database
from syncd.testing.quiet import state_of_store, until_projected, verified
from syncd.testing.service import Service, running_service

PLAYLIST = "p:playlist-of-alice-00"
DEADLINE_S = 120.0


@pytest.fixture
def target(postgres_admin_dsn: str) -> Iterator[str]:
    """A database without a table."""
    dsn = asyncio.run(create_database(postgres_admin_dsn, migrated=False))
    yield dsn
    asyncio.run(drop_database(postgres_admin_dsn, dsn))


async def taken(dsn: str, folder: Path) -> Manifest:
    return await back_up_deployment(Config(database_url=dsn), folder, now_ms=START_MS)


async def restored(dsn: str, folder: Path, *, replace: bool = False, log: str = "postgres") -> None:
    manifest = check_backup(folder)
    config = Config(database_url=dsn, log=log)
    await restore_deployment(config, folder, manifest, replace=replace)


async def rows(dsn: str, table: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return sorted(row[0] for row in await connection.fetch(f"select {table}::text from {table}"))
    finally:
        await connection.close()


def told(story: Awaitable[None]) -> None:
    async def run() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await story

    asyncio.run(run())


async def lived_in(house: House) -> LinkedDevice:
    phone = await house.device("alice", "phone")
    await house.store.register_writers([WriterIdentity(phone.device[:10], phone.account, phone.device, "n")])
    await house.emit(phone, "playlist.described", {"name": "Ours"}, stream=PLAYLIST)
    await house.emit(phone, "settings.changed", {"theme": "dark"})
    await house.project()
    await house.emit(phone, "settings.changed", {"not yet": "folded"})
    return phone


def test_every_row_of_every_table_comes_back_and_a_new_life_begins(
    postgres_dsn: str, target: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            phone = await lived_in(house)
            await taken(postgres_dsn, tmp_path / "b")
            epoch = house.log.epoch(0)
        await restored(target, tmp_path / "b")
        for table in ("accounts", "devices", "events", "cells", "streams", "writers", "writer_ids"):
            assert await rows(target, table) == await rows(postgres_dsn, table), table
        async with opened_house(target) as house:
            assert house.log.epoch(0) != epoch
            shown = await account_state(house.log, house.store, phone.account, START_MS)
            assert shown["settings"] == {"theme": "dark", "not yet": "folded"}, "at once, before any projector runs"
            found = await verify(house.log, house.store, seed=1)
            assert (found.agrees, found.behind) == (True, 1)
            assert (await house.accounts.login(phone.token)).device == phone.device

    told(story())


def test_a_backup_is_of_one_moment_whatever_is_written_meanwhile(
    postgres_dsn: str, target: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            phone = await lived_in(house)

            async def traffic() -> None:
                n = 0
                while True:
                    n += 1
                    await house.emit(phone, "settings.changed", {f"key{n % 7}": n})
                    if n % 5 == 0:
                        await house.project()

            async with beside(traffic()):
                await taken(postgres_dsn, tmp_path / "b")
        await restored(target, tmp_path / "b")
        async with running_service(Config(database_url=target), frozenset({"projector"})) as service:
            work = service.deployment
            found = await verified(work.log, work.store)
            assert (found.agrees, found.behind) == (True, 0)

    told(story())


def test_a_database_that_somebody_lives_in_is_replaced_only_when_told(postgres_dsn: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
        await taken(postgres_dsn, tmp_path / "b")
        async with opened_house(postgres_dsn) as house:
            await house.device("bob", "car")
        accounts = await rows(postgres_dsn, "accounts")
        with pytest.raises(Conflict, match="--replace"):
            await restored(postgres_dsn, tmp_path / "b")
        assert await rows(postgres_dsn, "accounts") == accounts
        await restored(postgres_dsn, tmp_path / "b", replace=True)
        assert len(await rows(postgres_dsn, "accounts")) == 1

    told(story())


def test_nothing_is_restored_under_a_running_server(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "PATIENCE_S", 0.3)

    async def story() -> None:
        await taken(postgres_dsn, tmp_path / "b")
        async with running_service(Config(database_url=postgres_dsn), frozenset({"projector"})):
            with pytest.raises(Conflict, match="stop all servers"):
                await restored(postgres_dsn, tmp_path / "b", replace=True)

    told(story())


def test_a_backup_of_an_older_program_is_brought_up_to_date(target: str, tmp_path: Path) -> None:
    async def story() -> None:
        older = known_migrations()[:2]
        await migrate(target, migrations=older)
        await taken(target, tmp_path / "b")
        await migrate(target)
        await restored(target, tmp_path / "b")
        async with opened_house(target) as house:
            await lived_in(house)

    told(story())


def test_a_backup_of_a_newer_program_or_of_another_log_is_refused(postgres_dsn: str, tmp_path: Path) -> None:
    async def story() -> None:
        manifest = await taken(postgres_dsn, tmp_path / "b")
        with pytest.raises(ConfigError, match="kafka://b/topic"):
            await restored(postgres_dsn, tmp_path / "b", log="kafka://b/topic")
        fields = {name: getattr(manifest, name) for name in Manifest.__struct_fields__}
        write_manifest(tmp_path / "b", Manifest(**{**fields, "migrations": ["0001", "9999"]}))
        with pytest.raises(ConfigError, match="9999"):
            await restored(postgres_dsn, tmp_path / "b")

    told(story())


def test_what_is_cut_damaged_or_missing_is_found_before_anything_is_touched(postgres_dsn: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
        await taken(postgres_dsn, tmp_path / "b")
        with pytest.raises(Conflict, match="already"):
            await taken(postgres_dsn, tmp_path / "b")

    told(story())
    events = tmp_path / "b" / "events.copy.gz"
    whole = events.read_bytes()
    for data in (whole[:-1], whole + b"x", whole[:40] + b"\0" + whole[41:]):
        events.write_bytes(data)
        with pytest.raises(Undecodable, match=r"events\.copy\.gz"):
            check_backup(tmp_path / "b")
    events.unlink()
    with pytest.raises(Undecodable, match="is missing"):
        check_backup(tmp_path / "b")
    with pytest.raises(NotFound, match=r"manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "b" / "manifest.json").write_text("{")
    with pytest.raises(Undecodable):
        read_manifest(tmp_path / "b")


def test_no_table_of_ours_is_forgotten_and_those_of_others_are_left_alone(
    postgres_dsn: str, target: str, tmp_path: Path
) -> None:
    async def story() -> None:
        for dsn in (postgres_dsn, target):
            connection = await asyncpg.connect(dsn)
            await connection.execute(
                "create table guests (name text, n serial); insert into guests (name) values ('somebody')"
            )
            await connection.close()
        connection = await asyncpg.connect(postgres_dsn)
        there = await connection.fetch(
            "select relname from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace"
        )
        await connection.close()
        assert {row["relname"] for row in there} == {*made_by_migrations(), "schema_migrations", "guests"}
        manifest = await taken(postgres_dsn, tmp_path / "b")
        assert "guests" not in [table.name for table in manifest.tables]
        await restored(target, tmp_path / "b")
        assert manifest.sequences == {}
        assert await rows(target, "guests") == ["(somebody,1)"]

    told(story())


def test_a_table_that_numbers_its_rows_goes_on_where_it_was(
    postgres_dsn: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No migration makes such a table yet; the first one must not find its numbers taken after a restore."""
    made = [*made_by_migrations(), "numbered"]
    for module in ("tables", "taking"):
        monkeypatch.setattr(f"syncd.operations.backup.{module}.made_by_migrations", lambda: made)
    table = "create table numbered (n bigint generated always as identity, text text)"
    more = "insert into numbered (text) values ('x'), ('y') returning n"

    async def story() -> None:
        for dsn in (postgres_dsn, target):
            if dsn == target:
                await migrate(target)
            connection = await asyncpg.connect(dsn)
            await connection.execute(table)
            if dsn == postgres_dsn:
                await connection.execute(more)
            await connection.close()
        await taken(postgres_dsn, tmp_path / "b")
        await restored(target, tmp_path / "b")
        connection = await asyncpg.connect(target)
        assert [row["n"] for row in await connection.fetch(more)] == [3, 4]
        await connection.close()

    told(story())


def test_a_checkpoint_that_the_log_does_not_reach_is_not_carried_over(postgres_dsn: str) -> None:
    """As where a topic lost its end meanwhile: what comes next would be passed over."""

    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await lived_in(house)
            connection = await asyncpg.connect(postgres_dsn)
            end = await house.log.end(0)
            for offset, carried in ((end + 1, False), (end, True)):
                await connection.execute("update checkpoints set epoch = 'before', offset_next = $1", offset)
                await carry_checkpoints(postgres_dsn, house.log, old_epoch="before")
                assert ((await house.store.checkpoint(0)).epoch == house.log.epoch(0)) is carried
            await connection.close()

    told(story())


def test_a_backup_that_fails_leaves_nothing(postgres_dsn: str, tmp_path: Path) -> None:
    async def story() -> None:
        def no_further(done: int, of_all: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await take_backup(postgres_dsn, tmp_path / "b", epoch="", now_ms=START_MS, progress=no_further)
        assert list(tmp_path.iterdir()) == []

    # asyncio ends a loop at a KeyboardInterrupt at once; run as a plain coroutine it travels as any exception.
    told(story())


@pytest.mark.parametrize("postgres_version", ["15"])
def test_a_backup_moves_between_versions_of_postgres(
    postgres_version: Version, postgres_dsn: str, postgres_servers: Callable[[Version], str], tmp_path: Path
) -> None:
    newest_server = postgres_servers("18")  # here, because the fixture runs a loop of its own to start one

    async def story() -> None:
        newest = await create_database(newest_server)
        try:
            async with opened_house(newest) as house:
                phone = await lived_in(house)
                before = await account_state(house.log, house.store, phone.account, START_MS)
            await taken(newest, tmp_path / "b")
            await restored(postgres_dsn, tmp_path / "b")
            async with running_service(Config(database_url=postgres_dsn), frozenset({"projector"})) as service:
                work = service.deployment
                await until_projected(work.log, work.store)
                after = await account_state(work.log, work.store, phone.account, START_MS)
            assert after["digests"] == before["digests"]
        finally:
            await drop_database(newest_server, newest)

    told(story())


def test_owners_of_playlists_that_only_the_log_knows_are_found_in_it() -> None:
    async def story() -> None:
        async with opened_house(None) as house:
            phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
            await house.project()
            await house.store.claim_stream("p:known-to-the-store-0", owner="somebody")
            for device in (phone, car):
                for stream in (PLAYLIST, "p:known-to-the-store-0"):
                    await house.emit(device, "playlist.described", {"name": "x"}, stream=stream)
            house.store._streams.pop(PLAYLIST)  # type: ignore[attr-defined]
            assert await claim_owners(house.log, house.store) == 1
            owners = await house.store.streams([PLAYLIST, "p:known-to-the-store-0"])
            assert [info.owner for info in owners.values()] == [phone.account, "somebody"]

    told(story())


# --- the drill ---


def test_devices_that_know_more_than_the_backup_come_back_and_lose_nothing_they_owe(
    postgres_dsn: str, target: str, tmp_path: Path
) -> None:
    """Back up under traffic, go on, lose the database, restore elsewhere: everybody agrees, and what a device still
    owed is there, also where it builds on what the backup lacks."""

    async def story() -> None:
        stores = [str(tmp_path / "phone.db"), str(tmp_path / "laptop.db")]
        async with running_service(Config(database_url=postgres_dsn, port=0, ws_port=0)) as service:
            phone, laptop = await service.account("alice", "phone", "laptop")
            async with (
                Device(service.ws_url, phone.token, store=stores[0]) as one,
                Device(service.ws_url, laptop.token, store=stores[1]) as two,
            ):
                await one.queue.add("before")
                async with beside(_traffic(two)):
                    await one.settled()
                    await taken(postgres_dsn, tmp_path / "b")
                await two.settled()
                await one.queue.add("after")
                await one.settled()
                await two.until(lambda: "after" in two.queue.tracks)
        async with Device(service.ws_url, phone.token, store=stores[0]) as one:
            await one.queue.add("owed")
            assert one.queue.tracks[-2:] == ["after", "owed"]

        await restored(target, tmp_path / "b")
        async with running_service(Config(database_url=target, port=0, ws_port=0)) as service:
            async with (
                Device(service.ws_url, phone.token, store=stores[0]) as one,
                Device(service.ws_url, laptop.token, store=stores[1]) as two,
            ):
                await one.settled()
                await two.until(lambda: "owed" in two.queue.tracks)
                assert "before" in two.queue.tracks
                await two.queue.add("new")
                await two.settled()
                await one.until(lambda: "new" in one.queue.tracks)
                for device in (one, two):
                    assert (await device.verify()).agrees
                assert one.queue.tracks == two.queue.tracks
                assert len(set(one.queue.tracks)) == len(one.queue.tracks), "nothing is there twice"
            await _assert_refolded(service, phone.account)

    told(story())


async def _traffic(device: Device) -> None:
    for n in range(200):
        await device.queue.add(f"busy{n}")
        await device.settled()


async def _assert_refolded(service: Service, account: str) -> None:
    work = service.deployment
    found = await verified(work.log, work.store)
    assert (found.agrees, found.behind) == (True, 0)
    stored = await state_of_store(work.log, work.store, f"a:{account}")
    shown = (await account_state(work.log, work.store, account, START_MS))["digests"]
    assert shown == {f"a:{account}": stored.digest}
    assert stored.digest == digest(stored.cells)
