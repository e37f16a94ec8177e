"""Exports and imports: everything arrives, once; what is cut, damaged or contradicts is said to be."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from house import START_MS, House, opened_house

from syncd.client import Device
from syncd.config import Config
from syncd.errors import Conflict, LoginExpired, NotFound, OffsetExpired, Refused, Undecodable
from syncd.log.record import Record
from syncd.operations.refold import stream_pages
from syncd.operations.state import account_state
from syncd.operations.transfer.delivery import Delivered
from syncd.operations.transfer.file import Written, write_file
from syncd.operations.transfer.gather import Place, Selection, gather
from syncd.operations.transfer.importing import check_other, deliver, import_file
from syncd.operations.transfer.lines import Content, RecordLine
from syncd.operations.verify import verify
from syncd.store.port import WriterIdentity
from syncd.testing.service import running_service

Story = Callable[[House, House, Path], Awaitable[None]]
Tell = Callable[[Story], None]
PLAYLIST = "p:playlist-of-alice-00"
DEADLINE_S = 120.0


@pytest.fixture(params=["memory", "postgres"])
def tell(request: pytest.FixtureRequest, tmp_path: Path) -> Tell:
    """Runs a story between a house where people live and an empty one, of more partitions; with a file's name."""
    dsn = None if request.param == "memory" else request.getfixturevalue("postgres_dsn")

    async def run(story: Story) -> None:
        async with asyncio.timeout(DEADLINE_S), opened_house(dsn) as here, opened_house(None, partitions=3) as there:
            await story(here, there, tmp_path / "export.jsonl.gz")

    return lambda story: asyncio.run(run(story))


def place(house: House) -> Place:
    return Place(house.log, house.store, house.accounts)


async def exported(house: House, path: Path, account: str | None = None, *, whole: bool = True) -> Written:
    selection = Selection(None if account is None else await house.accounts.find(account), whole=whole)
    content = gather(place(house), selection)
    return await write_file(path, content, what=account or "deployment", now_ms=START_MS)


async def imported(house: House, path: Path, *, check_only: bool = False) -> Delivered:
    return await import_file(place(house), path, check_only=check_only)


async def lived_in(house: House) -> None:
    """Alice shares a playlist with Bob. One record cannot be read, one event was admitted twice."""
    phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
    await house.store.register_writers([WriterIdentity(phone.device[:10], phone.account, phone.device, "n")])
    await house.emit(phone, "playlist.described", {"name": "Ours", "collaborative": True}, stream=PLAYLIST)
    await house.emit(phone, "library.changed", {"set": "playlists", "ids": [PLAYLIST[2:]], "value": True})
    items = {"list": "items", "side": "R", "items": [{"track": "t1"}]}
    await house.emit(car, "list.inserted", items, stream=PLAYLIST)
    await house.emit(car, "settings.changed", {"theme": "light"})
    for t in (START_MS << 11, (START_MS + 5) << 11):
        await house.emit(phone, "settings.changed", {"theme": t}, t=t)
        house.seqs[phone.device[:10], f"a:{phone.account}"] = 1
    house.seqs[phone.device[:10], f"a:{phone.account}"] = 2
    await house.append(Record(f"a:{phone.account}", "w" * 10, 1, "settings.changed", 1, b"{\xff\n"))
    await house.accounts.revoke((await house.device("alice", "old")).device)


async def digests(house: House, name: str) -> object:
    account = (await house.accounts.find(name)).account
    return (await account_state(house.log, house.store, account, START_MS))["digests"]


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of writers goes through the file all the time."""
    monkeypatch.setattr("syncd.operations.transfer.spilled.KEPT_MAX", 1)


def test_a_whole_deployment_arrives_with_equal_digests_and_a_second_import_changes_nothing(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        await lived_in(here)
        written = await exported(here, path)
        assert written.records == await here.log.end(0)
        assert path.stat().st_mode & 0o077 == 0, "nobody else may read it"
        done = await imported(there, path)
        assert (done.accounts, done.devices, done.playlists, done.writers) == (2, 3, 1, 1)
        assert (done.appended, done.known) == (written.records, 0)
        await there.project()
        for name in ("alice", "bob"):
            assert await digests(there, name) == await digests(here, name)
            account = (await here.accounts.find(name)).account
            assert await there.accounts.devices(account) == await here.accounts.devices(account)
            assert await there.store.writers_of(account) == await here.store.writers_of(account)
        found = await verify(there.log, there.store, seed=1)
        assert (found.agrees, found.unreadable) == (True, 1)
        ends = [await there.log.end(partition) for partition in range(3)]
        assert (await imported(there, path)).appended == 0
        assert [await there.log.end(partition) for partition in range(3)] == ends

    tell(story)


def test_an_account_takes_its_stream_and_its_playlists_along_and_nothing_of_others(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        await lived_in(here)
        await exported(here, path, "alice")
        await imported(there, path)
        assert await digests(there, "alice") == await digests(here, "alice")
        assert await there.store.streams_owned((await here.accounts.find("alice")).account) == [PLAYLIST]
        with pytest.raises(NotFound):
            await there.accounts.find("bob")
        bob = f"a:{(await here.accounts.find('bob')).account}"
        assert [page async for page in stream_pages(there.log, bob)] == []
        state = await account_state(there.log, there.store, (await there.accounts.find("alice")).account, START_MS)
        assert "t1" in str(state["playlists"]), "what others put into its playlists is the playlist's"

    tell(story)


def test_an_import_that_was_interrupted_goes_on(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        await lived_in(here)
        written = await exported(here, path)
        content = gather(place(here), Selection())
        await deliver(place(there), _until_records(content, 4), speed=None)
        done = await imported(there, path)
        assert (done.appended, done.known) == (written.records - 4, 4)
        assert await digests(there, "alice") == await digests(here, "alice")

    tell(story)


async def _until_records(content: AsyncIterator[Content], count: int) -> AsyncIterator[Content]:
    async for line in content:
        count -= isinstance(line, RecordLine)
        yield line
        if not count:
            return


def test_no_token_arrives(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        phone = await here.device("alice", "phone")
        await exported(here, path)
        assert phone.token not in gzip.decompress(path.read_bytes()).decode()
        await imported(there, path)
        with pytest.raises(LoginExpired):
            await there.accounts.login(phone.token)

    tell(story)


def test_a_writer_that_went_on_in_both_places_is_a_conflict_and_nothing_is_written(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        phone = await here.device("alice", "phone")
        await here.emit(phone, "settings.changed", {"n": 1})
        await exported(here, path)
        await imported(there, path)
        there.seqs = dict(here.seqs)
        for house, values in ((here, [2]), (there, [3, 4])):
            for value in values:
                await house.emit(phone, "settings.changed", {"n": value})
        path.unlink()
        await exported(here, path)
        with pytest.raises(Conflict, match=rf"event {phone.device[:10]}\.2 of a:{phone.account}"):
            await imported(there, path)

    tell(story)


def test_conflicts_are_named_and_nothing_is_written(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        await lived_in(here)
        await exported(here, path)
        other = await there.accounts.create("alice")
        await there.store.claim_stream(PLAYLIST, owner="somebody")
        with pytest.raises(Conflict, match=rf"'alice' is account {other.account}.*belongs to account somebody"):
            await imported(there, path)
        assert [await there.log.end(partition) for partition in range(3)] == [0, 0, 0]
        with pytest.raises(NotFound):
            await there.accounts.find("bob")

    tell(story)


def test_a_file_that_was_cut_anywhere_is_refused_before_anything_is_written(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        await lived_in(here)
        await exported(here, path)
        whole = path.read_bytes()
        text = gzip.decompress(whole)
        draw = random.Random(1)
        damaged = [whole[: draw.randrange(len(whole))] for _ in range(20)]
        damaged += [gzip.compress(text[: draw.randrange(len(text))]) for _ in range(20)]
        lines = text.splitlines(keepends=True)
        damaged += [gzip.compress(b"".join(lines[:3] + lines[4:])), gzip.compress(text + lines[1]), b"", b"x" * 100]
        damaged.append(gzip.compress(text.replace(b"alice", b"alicf")))
        for data in damaged:
            path.write_bytes(data)
            with pytest.raises(Undecodable):
                await imported(there, path)
        assert [await there.log.end(partition) for partition in range(3)] == [0, 0, 0]
        with pytest.raises(NotFound):
            await there.accounts.find("alice")

    tell(story)


def test_a_newer_format_is_refused_by_its_number(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        await exported(here, path)
        text = gzip.decompress(path.read_bytes()).replace(b'"version":1', b'"version":2', 1)
        path.write_bytes(gzip.compress(text))
        with pytest.raises(Undecodable, match="version 2; this program reads 1"):
            await imported(there, path)

    tell(story)


def test_a_trimmed_log_is_not_exported_because_its_records_are_not_the_state(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        await lived_in(here)
        await here.log.trim(0, 2)  # type: ignore[attr-defined]
        with pytest.raises(OffsetExpired, match="syncd backup"):
            await exported(here, path)
        assert not list(path.parent.iterdir()), "nothing half is left"
        await exported(here, path, whole=False)

    tell(story)


def test_a_file_that_is_there_is_not_overwritten_unasked(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        path.write_text("precious")
        with pytest.raises(Conflict, match="--force"):
            await exported(here, path)
        assert path.read_text() == "precious"
        with pytest.raises(Refused, match="no file"):
            await write_file(path.parent, _nothing(), what="x", now_ms=START_MS, replace=True)

    tell(story)


async def _nothing() -> AsyncIterator[Content]:
    lines: list[Content] = []
    for line in lines:
        yield line


def test_a_replay_of_some_records_hides_none_of_the_rest_from_a_later_import(tell: Tell) -> None:
    """A filter leaves holes between a writer's seqs: the largest one there must not stand for all below it."""

    async def story(here: House, there: House, path: Path) -> None:
        phone = await here.device("alice", "phone")
        for n in range(4):
            await here.emit(phone, "settings.changed", {f"key{n}": n})
        odd = Selection(passes=lambda record: record.seq % 2 == 0)
        content = gather(place(here), odd)
        assert (await deliver(place(there), content, speed=1e6)).appended == 2
        await exported(here, path)
        assert (await imported(there, path)).appended == 3
        assert await digests(there, "alice") == await digests(here, "alice")

    tell(story)


def test_a_deployment_is_not_replayed_into_itself(tell: Tell) -> None:
    async def story(here: House, there: House, path: Path) -> None:
        with pytest.raises(Conflict, match="itself"):
            check_other(place(here), place(here))

    tell(story)


def test_an_import_reaches_devices_that_are_connected(postgres_dsn: str, tmp_path: Path) -> None:
    async def story() -> None:
        config = Config(database_url=postgres_dsn, port=0, ws_port=0)
        async with opened_house(None) as here, running_service(config) as service:
            phone = await here.device("alice", "phone")
            await exported(here, tmp_path / "first.gz")
            there = Place(service.deployment.log, service.deployment.store, service.deployment.accounts)
            await import_file(there, tmp_path / "first.gz")
            linked = await there.accounts.link(phone.account, name="tablet")
            async with Device(service.ws_url, linked.token) as device:
                await device.queue.add("t1")
                await device.settled()
                await here.emit(phone, "settings.changed", {"theme": "dark"})
                await exported(here, tmp_path / "second.gz")
                assert (await import_file(there, tmp_path / "second.gz")).appended == 1
                await device.until(lambda: device.settings.get("theme") == "dark")
                assert (await device.verify()).agrees

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))
