"""All views of an account, from log and store, now and earlier, in memory and on Postgres."""

from __future__ import annotations

from typing import Any

from house import PLAYLIST, START_MS, House, Tell, lived_in, state_of

from syncd.model.cells import digest
from syncd.operations.state import account_state


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
