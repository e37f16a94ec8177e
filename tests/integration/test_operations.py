"""What the commands are made of: devices, state, why, verify, and looking at the log, in memory and on Postgres."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from house import START_MS, House, opened_house

from syncd.accounts import LinkedDevice
from syncd.errors import EpochChanged, LoginRevoked, NotFound, OffsetExpired, Refused, Unavailable
from syncd.log.record import Record
from syncd.model.cells import digest
from syncd.operations.demo_account import TOKEN_FILE, demo_login
from syncd.operations.devices import revoke_device
from syncd.operations.log_show import Filter, ShownRecord, show, tail, unknown_kind
from syncd.operations.state import account_state
from syncd.operations.verify import Verified, verify
from syncd.operations.why import why
from syncd.testing.postgres import Version, create_database, drop_database

Story = Callable[[House], Awaitable[None]]
Tell = Callable[[Story], None]
PLAYLIST = "p:playlist-of-alice-00"
DEADLINE_S = 20.0


@pytest.fixture(params=["memory", "postgres"])
def tell(request: pytest.FixtureRequest) -> Tell:
    """Runs a story in an empty house."""
    dsn = None if request.param == "memory" else request.getfixturevalue("postgres_dsn")

    async def run(story: Story) -> None:
        async with asyncio.timeout(DEADLINE_S), opened_house(dsn) as house:
            await story(house)

    return lambda story: asyncio.run(run(story))


async def state_of(house: House, device: LinkedDevice, **more: Any) -> dict[str, Any]:
    return await account_state(house.log, house.store, device.account, house.clock.ms, **more)


async def verified(house: House, *, seed: int = 1) -> Verified:
    return await verify(house.log, house.store, seed=seed, progress=lambda done, of_all: None)


async def shown(house: House, filter_: Filter | None = None, *, from_: int | None = None) -> list[ShownRecord]:
    return [record async for record in show(house.log, filter_ or Filter(), from_=from_)]


# --- devices ---


def test_a_linked_device_can_log_in_and_the_account_shows_its_name(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        assert (await house.accounts.login(phone.token)).device == phone.device
        devices = (await state_of(house, phone))["devices"]
        assert [(device["device"], device["name"], device["revoked"]) for device in devices] == [
            (phone.device, "phone", False)
        ]

    tell(story)


def test_a_device_whose_name_cannot_be_written_is_not_left_linked(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.log.close()
        with pytest.raises(Unavailable):
            await house.device("alice", "car")
        others = [device for device in await house.accounts.devices(phone.account) if device.device != phone.device]
        assert [device.revoked_ms is not None for device in others] == [True]

    tell(story)


def test_a_revoked_device_is_told_to_gateways_and_to_the_account(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        told: list[str] = []
        house.side_channel.listen("revoked", told.append)
        for _ in range(2):
            await revoke_device(house.accounts, house.log, house.side_channel, house.clock, phone.device)
        with pytest.raises(LoginRevoked):
            await house.accounts.login(phone.token)
        assert (await state_of(house, phone))["devices"][0]["revoked"] is True
        await asyncio.sleep(0)  # messages arrive on the loop's next turn
        assert told == [phone.device, phone.device]

    tell(story)


def test_gateways_are_told_of_a_revoked_device_even_when_the_log_is_down(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        told: list[str] = []
        house.side_channel.listen("revoked", told.append)
        await house.log.close()
        with pytest.raises(Unavailable):
            await revoke_device(house.accounts, house.log, house.side_channel, house.clock, phone.device)
        await asyncio.sleep(0)  # messages arrive on the loop's next turn
        assert told == [phone.device]

    tell(story)


# --- the demo account ---


def test_a_first_start_makes_a_demo_account_and_later_ones_keep_its_login(tell: Tell, tmp_path: Path) -> None:
    async def story(house: House) -> None:
        folder = tmp_path / "data"
        first = await demo_login(house.accounts, house.log, house.clock, folder)
        assert first is not None
        assert (await house.accounts.login(first.token)).account == (await house.accounts.find("demo")).account
        assert stat.S_IMODE((folder / TOKEN_FILE).stat().st_mode) == 0o600
        assert await demo_login(house.accounts, house.log, house.clock, folder) == first
        assert len(await house.accounts.devices(first.account)) == 1

    tell(story)


def test_a_demo_login_that_no_longer_stands_is_replaced(tell: Tell, tmp_path: Path) -> None:
    async def story(house: House) -> None:
        first = await demo_login(house.accounts, house.log, house.clock, tmp_path)
        assert first is not None
        await house.accounts.revoke(first.device)
        second = await demo_login(house.accounts, house.log, house.clock, tmp_path)
        assert second is not None
        assert (await house.accounts.login(second.token)).device == second.device != first.device
        (tmp_path / TOKEN_FILE).write_bytes(b"\xff")
        third = await demo_login(house.accounts, house.log, house.clock, tmp_path)
        assert third is not None
        assert third.account == first.account

    tell(story)


def test_where_people_have_accounts_no_demo_is_made(tell: Tell, tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.accounts.create("alice")
        assert await demo_login(house.accounts, house.log, house.clock, tmp_path) is None
        assert [account.name for account in await house.accounts.all()] == ["alice"]

    tell(story)


def test_a_data_folder_that_cannot_keep_the_token_is_told_and_the_login_works(tell: Tell, tmp_path: Path) -> None:
    async def story(house: House) -> None:
        (tmp_path / "file").write_text("")
        login = await demo_login(house.accounts, house.log, house.clock, tmp_path / "file")
        assert login is not None
        assert (await house.accounts.login(login.token)).device == login.device
        assert str(tmp_path / "file") in login.problem

    tell(story)


# --- state ---


async def lived_in(house: House) -> LinkedDevice:
    """An account with something of everything: X plays on the phone since 20 s ago, one of three in the queue is gone,
    two playlists of which one is deleted."""
    phone = await house.device("alice", "phone")
    items = [{"track": "t1"}, {"track": "t2"}, {"track": "t3"}]
    queued = await house.emit(phone, "list.inserted", {"list": "queue", "side": "R", "items": items})
    await house.emit(phone, "list.removed", {"list": "queue", "ids": [f"{queued}.1"]})
    start = {
        "device": phone.device,
        "item": {"from": "context", "id": "x", "track": "track:x", "duration_ms": 180_000},
        "follows": [],
        "position_ms": 5_000,
        "playing": True,
        "speed_permille": 1_000,
    }
    await house.emit(phone, "playback.started", start)
    await house.emit(phone, "settings.changed", {"theme": "dark", "phone/volume": 3})
    await house.emit(phone, "library.changed", {"set": "tracks", "ids": ["t9", "t8"], "value": True})
    await house.emit(phone, "library.changed", {"set": "tracks", "ids": ["t8"], "value": False})
    listened = {"episode": "e1", "position_ms": 60_000, "duration_ms": 90_000, "through": "0" * 21}
    await house.emit(phone, "progress.listened", listened)
    played = {"play": "h1", "track": "t1", "started_ms": START_MS - 9, "listened_ms": 7_000}
    await house.emit(phone, "history.played", played)
    for stream, name, deleted in ((PLAYLIST, "Mornings", False), ("p:playlist-of-alice-01", "Gone", True)):
        await house.emit(phone, "library.changed", {"set": "playlists", "ids": [stream[2:]], "value": True})
        described = {"name": name, "deleted": deleted}
        await house.emit(phone, "playlist.described", described, stream=stream)
    items = [{"track": "p1"}]
    await house.emit(phone, "list.inserted", {"list": "items", "side": "R", "items": items}, stream=PLAYLIST)
    house.clock.ms += 20_000
    return phone


def test_state_is_what_design_says_it_is(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await lived_in(house)
        state = await state_of(house, phone)
        mine, writer = f"a:{phone.account}", phone.device[:10]
        playback = state["playback"]
        assert playback == {
            "device": phone.device,
            "play": f"{writer}.3",
            "epoch": f"{writer}.3",
            "generation": 0,
            "item": {"id": "x", "track": "track:x", "from": "context"},
            "position_ms": 25_000,
            "as_of_ms": house.clock.ms,
            "playing": True,
            "speed_permille": 1_000,
        }
        assert state["queue"] == [{"id": f"{writer}.1.0", "track": "t1"}, {"id": f"{writer}.1.2", "track": "t3"}]
        assert state["playlists"] == [
            {"stream": PLAYLIST, "name": "Mornings", "items": [{"id": f"{writer}.2.0", "track": "p1"}]}
        ]
        assert state["library"]["tracks"] == {"t9": True}
        assert state["settings"] == {"theme": "dark", "phone/volume": 3}
        assert state["progress"] == {"e1": {"resume_ms": 60_000, "played": False, "furthest_ms": 60_000}}
        assert state["history"] == [{"play": "h1", "track": "t1", "started_ms": START_MS - 9, "listened_ms": 7_000}]
        assert [device["name"] for device in state["devices"]] == ["phone"]
        assert set(state["cursors"]) == set(state["digests"]) == {mine, PLAYLIST}
        expected = "playback queue playlists library settings progress history devices cursors digests"
        assert list(state) == expected.split()

    tell(story)


def but_cursors(state: dict[str, Any]) -> dict[str, Any]:
    """Of an earlier state they are those of each stream's own last record, of the present one of the partition's."""
    return {name: view for name, view in state.items() if name != "cursors"}


def test_state_is_the_same_from_the_log_from_the_store_and_from_both(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await lived_in(house)
        from_log = await state_of(house, phone)
        await house.project(batch=3)
        assert await state_of(house, phone) == from_log
        assert but_cursors(await state_of(house, phone, at_ms=house.clock.ms)) == but_cursors(from_log)
        await house.emit(phone, "settings.changed", {"theme": "light"})
        both = await state_of(house, phone)
        assert both["settings"]["theme"] == "light"
        assert but_cursors(await state_of(house, phone, at_ms=house.clock.ms)) == but_cursors(both)

    tell(story)


def test_an_earlier_state_ends_before_the_first_record_admitted_later(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        before = await state_of(house, phone)
        for theme in ("dark", "light"):
            house.clock.ms += 1_000
            await house.emit(phone, "settings.changed", {"theme": theme})
        await house.project()
        earlier = await state_of(house, phone, at_ms=START_MS + 1_999)
        assert earlier["settings"] == {"theme": "dark"}
        assert await state_of(house, phone, at_ms=START_MS) == before
        nothing = await state_of(house, phone, at_ms=START_MS - 1)
        assert nothing["devices"] == []
        assert nothing["cursors"] != before["cursors"]

    tell(story)


def test_an_account_that_nobody_wrote_to_has_empty_views(tell: Tell) -> None:
    async def story(house: House) -> None:
        account = (await house.accounts.create("alice")).account
        state = await account_state(house.log, house.store, account, house.clock.ms)
        assert state["digests"] == {f"a:{account}": digest({})}
        assert state["playback"] is None
        assert not any(state[view] for view in ("queue", "playlists", "library", "settings", "progress", "history"))

    tell(story)


def test_a_playlist_shows_to_its_members_while_they_are_members(tell: Tell) -> None:
    async def story(house: House) -> None:
        alice, bob = await house.device("alice", "phone"), await house.device("bob", "car")
        await house.emit(alice, "playlist.described", {"name": "Ours"}, stream=PLAYLIST)
        await house.emit(bob, "library.changed", {"set": "playlists", "ids": [PLAYLIST[2:]], "value": True})
        assert (await state_of(house, bob))["playlists"] == []
        for role, expected in (("viewer", ["Ours"]), (None, [])):
            change = {"account": bob.account, "role": role}
            await house.emit(alice, "playlist.member_changed", change, stream=PLAYLIST)
            state = await state_of(house, bob)
            assert [playlist["name"] for playlist in state["playlists"]] == expected
            assert len(state["digests"]) == 1 + len(expected), "of a list that is hidden, nothing may be told"

    tell(story)


def test_a_playlist_that_nobody_has_written_to_shows_empty_and_a_name_that_is_none_does_not(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.emit(phone, "library.changed", {"set": "playlists", "ids": [PLAYLIST[2:], "short"], "value": True})
        assert (await state_of(house, phone))["playlists"] == [{"stream": PLAYLIST, "name": None, "items": []}]

    tell(story)


# --- why ---


def test_why_names_every_write_of_a_cell_and_the_one_that_stands(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone, car = await house.device("alice", "phone"), await house.device("alice", "car")
        first = await house.emit(phone, "settings.changed", {"theme": "dark", "size": 1})
        house.clock.ms += 5_000
        second = await house.emit(car, "settings.changed", {"theme": "light"})
        late = await house.emit(phone, "settings.changed", {"theme": "blue"}, t=(START_MS + 1_000) << 11)
        await house.emit(phone, "settings.changed", {"size": 2})
        explanation = await why(house.log, house.store, f"a:{phone.account}", "settings/theme")
        told = [(write.event, write.device_name, write.value, write.stands) for write in explanation.writes]
        assert told == [
            (first, "phone", "dark", False),
            (second, "car", "light", True),
            (late, "phone", "blue", False),
        ]
        assert [write.because for write in explanation.writes] == [
            "written 5.0 s earlier, at 2025-11-23T03:53:20.000Z",
            "",
            "written 4.0 s earlier, at 2025-11-23T03:53:21.000Z",
        ]
        assert explanation.agrees
        assert [write.offset for write in explanation.writes] == sorted(write.offset for write in explanation.writes)

    tell(story)


def test_why_tells_an_event_that_was_admitted_twice(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        (record,) = (await house.log.read_stream(f"a:{phone.account}", 1, limit=1)) or []
        await house.append(Record(*record[2:]))
        explanation = await why(house.log, house.store, f"a:{phone.account}", "settings/theme")
        assert [write.stands for write in explanation.writes] == [True, False]
        assert "admitted twice" in explanation.writes[1].because

    tell(story)


def test_why_of_a_cell_that_nobody_wrote_names_the_nearest(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        with pytest.raises(NotFound, match="'settings/theme'"):
            await why(house.log, house.store, f"a:{phone.account}", "settings/teme")

    tell(story)


def test_why_counts_records_that_cannot_be_read(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.append(Record(f"a:{phone.account}", "w" * 10, 1, "settings.changed", 1, b"{"))
        explanation = await why(house.log, house.store, f"a:{phone.account}", f"device/{phone.device}/name")
        assert explanation.unreadable == 1

    tell(story)


# --- verify ---


def test_a_store_that_was_folded_from_the_log_agrees_with_it_in_any_order(tell: Tell) -> None:
    async def story(house: House) -> None:
        await lived_in(house)
        await house.project(batch=2)
        steps: list[tuple[int, int]] = []
        for seed in range(5):
            found = await verify(house.log, house.store, seed=seed, progress=lambda *step: steps.append(step))
            assert found.agrees
        assert (found.streams, found.records, found.behind, found.unreadable) == (3, await house.log.end(0), 0, 0)
        assert steps[:3] == [(1, 3), (2, 3), (3, 3)]

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
                parts = [
                    await verify(house.log, house.store, seed=1, partitions=[n], progress=lambda *_: None)
                    for n in range(3)
                ]
                assert sum(part.streams for part in parts) == 6
                assert all(part.streams < 6 for part in parts)
        finally:
            await drop_database(admin_dsn, dsn)

    asyncio.run(story())


# --- the log ---


def test_records_are_shown_as_they_were_admitted(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        event = await house.emit(phone, "settings.changed", {"theme": "dark"})
        record = (await shown(house))[-1]
        assert (record.partition, record.offset, record.event, record.kind) == (0, 1, event, "settings.changed")
        assert (record.account, record.device, record.admitted_ms) == (phone.account, phone.device, START_MS)
        assert record.data == {"theme": "dark"}

    tell(story)


def test_a_record_that_cannot_be_read_is_shown_with_its_bytes(tell: Tell) -> None:
    async def story(house: House) -> None:
        await house.append(Record("a:someone", "w" * 10, 7, "made.up", 9, b'{"t": tru\xff'))
        (record,) = await shown(house)
        assert (record.event, record.kind, record.data) == (f"{'w' * 10}.7", "made.up", '{"t": tru\ufffd')
        assert (record.t, record.device, record.admitted_ms) == (None, None, None)
        assert await shown(house, Filter(device="d")) == await shown(house, Filter(since_ms=0)) == []

    tell(story)


def test_filters_let_through_what_they_say(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
        for n in range(4):
            house.clock.ms += 1_000
            await house.emit(car if n == 3 else phone, "settings.changed", {"n": n})

        async def offsets(from_: int | None = None, **given: Any) -> list[int]:
            return [record.offset for record in await shown(house, Filter(**given), from_=from_)]

        assert await offsets() == [0, 1, 2, 3, 4, 5]
        assert await offsets(stream=f"a:{phone.account}") == [0, 2, 3, 4]
        assert await offsets(kinds=frozenset({"device.described"})) == [0, 1]
        assert await offsets(device=car.device) == [1, 5]
        assert await offsets(since_ms=START_MS + 2_000) == [3, 4, 5]
        assert await offsets(since_ms=START_MS + 2_000, until_ms=START_MS + 4_000) == [3, 4]
        assert await offsets(from_=4) == [4, 5]
        assert await offsets(from_=3, stream=f"a:{phone.account}", kinds=frozenset({"settings.changed"})) == [3, 4]

    tell(story)


def test_a_tail_begins_with_the_last_ones_and_goes_on_with_new_ones(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
        for n in range(3):
            await house.emit(phone, "settings.changed", {"n": n})
        following = tail(house.log, Filter(stream=f"a:{phone.account}"), last=2)
        seen = [(await anext(following)).data for _ in range(2)]
        assert seen == [{"n": 1}, {"n": 2}]
        coming = asyncio.ensure_future(anext(following))
        await house.emit(car, "settings.changed", {"n": "another stream"})
        await house.emit(phone, "settings.changed", {"n": 3})
        assert (await coming).data == {"n": 3}
        await following.aclose()

    tell(story)


def test_a_tail_of_one_stream_rests_while_others_are_busy(tell: Tell) -> None:
    """It must not ask the log again and again because the partition's end is beyond its own stream's last record."""

    async def story(house: House) -> None:
        phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
        reads, reading = 0, asyncio.Event()
        read_stream = house.log.read_stream

        async def counted(*given: Any, **more: Any) -> Any:
            nonlocal reads
            reads += 1
            reading.set()
            return await read_stream(*given, **more)

        house.log.read_stream = counted  # type: ignore[method-assign]
        coming = asyncio.ensure_future(anext(tail(house.log, Filter(stream=f"a:{phone.account}"), last=0)))
        for n in range(3):
            await house.emit(car, "settings.changed", {"n": n})
        await reading.wait()
        await house.emit(phone, "settings.changed", {"n": 1})
        await coming
        assert reads <= 6

    tell(story)


def test_an_unknown_kind_is_told_with_the_nearest() -> None:
    assert unknown_kind("list.inserted") is None
    assert unknown_kind("device.revoked") is None
    assert "'list.inserted'" in str(unknown_kind("list.insert"))


def test_earlier_states_need_a_log_that_can_read_one_stream(tell: Tell) -> None:
    class Kafka:
        """As little of a log as refusing takes: it cannot read one stream."""

    async def story(house: House) -> None:
        with pytest.raises(Refused):
            await account_state(Kafka(), house.store, "alice", START_MS, at_ms=START_MS)  # type: ignore[arg-type]

    tell(story)
