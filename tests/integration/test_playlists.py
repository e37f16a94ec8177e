"""Who may read and write a playlist, asked at admission, and what happens when the answer changes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from live_service import Live, fresh_server, greeted, on_live
from raw_device import RawDevice, all_records

from syncd.gateway import guard
from syncd.model.events import VOID
from syncd.protocol.messages import Delta, Error, Nack, Snapshot, Subscribed, Unsubscribed
from syncd.push.state import CurrentState, current_state
from syncd.testing.patience import eventually

LIST_ITEMS_MAX = 20
ITEM = {"list": "items", "parent": None, "side": "R", "items": [{"track": "t"}]}
NAMES = itertools.count()


@asynccontextmanager
async def people(live: Live) -> AsyncIterator[tuple[str, RawDevice, RawDevice]]:
    """A fresh playlist with something in it, its owner, and somebody else."""
    async with greeted(live) as owner, greeted(live) as other:
        playlist = f"p:playlist-number-{next(NAMES):04}"
        await owner.subscribed(playlist)
        await owner.emit_acked("playlist.described", {"name": "secret plans"}, stream=playlist)
        yield playlist, owner, other


@asynccontextmanager
async def short_lists(live: Live) -> AsyncIterator[Live]:
    """A second gateway, whose lists hold `LIST_ITEMS_MAX` entries."""
    async with fresh_server(live, list_items_max=LIST_ITEMS_MAX) as ws_url:
        yield replace(live, service=replace(live.service, ws_url=ws_url))


async def described(owner: RawDevice, playlist: str, **fields: Any) -> None:
    await owner.emit_acked("playlist.described", fields, stream=playlist)


async def role(owner: RawDevice, playlist: str, account: str, role: str | None) -> None:
    await owner.emit_acked("playlist.member_changed", {"account": account, "role": role}, stream=playlist)


async def may_subscribe(device: RawDevice, playlist: str) -> bool:
    """Tries it, and leaves again."""
    mark = len(device.heard)
    await device.say({"type": "subscribe", "stream": playlist, "last_seq": device.seqs.get(playlist, 0)})
    answer = await device.until(
        lambda: next(
            (m for m in device.heard[mark:] if isinstance(m, Error | Subscribed) and m.stream == playlist), None
        )
    )
    if isinstance(answer, Error):
        assert answer.code == "forbidden"
        return False
    await device.say({"type": "unsubscribe", "stream": playlist})
    await device.round_trip()
    return True


async def may_emit(device: RawDevice, playlist: str, kind: str, data: Any) -> bool:
    """Tries it; what is forbidden uses up no seq."""
    seq = await device.emit(kind, data, stream=playlist)
    answer = await device.until(
        lambda: (
            next((m for m in reversed(device.heard) if isinstance(m, Nack) and m.seq == seq), None)
            or next((ack for ack in device.acks() if (ack.stream, ack.seq) == (playlist, seq)), None)
        )
    )
    if isinstance(answer, Nack):
        assert answer.reason == "forbidden"
        assert answer.stream == playlist
        device.seqs[playlist] = seq - 1
        device.heard.remove(answer)
        return False
    return True


@on_live
async def test_the_first_to_write_owns_a_playlist_and_strangers_get_nothing(live: Live) -> None:
    async with people(live) as (playlist, owner, other):
        assert (await live.service.deployment.store.streams([playlist]))[playlist].owner == owner.account
        assert not await may_subscribe(other, playlist)
        assert not await may_emit(other, playlist, "list.inserted", ITEM)
        assert not await may_emit(other, playlist, "playlist.described", {"public": True})
        assert "secret plans" not in str(other.heard)


@on_live
async def test_a_stranger_leaves_no_trace_in_a_playlist_not_even_a_void(live: Live) -> None:
    async with people(live) as (playlist, owner, other):
        for event in ({"kind": 7}, {"kind": "no.such", "data": {}}, {"kind": "list.inserted", "data": {"bad": 1}},
                      {"kind": "list.inserted", "data": ITEM, "t": -1}):  # fmt: skip
            await other.say({"type": "emit", "events": [{"stream": playlist, "seq": 1, "t": 1, **event}]})
            assert (await other.nacked(1)).reason == "forbidden"
        await owner.emit_acked("list.inserted", ITEM, stream=playlist)
        writers = {r.writer for r in await all_records(live.service.deployment.log) if r.stream == playlist}
        assert writers == {owner.writer}


@pytest.mark.parametrize(
    ("fields", "member", "reads", "lists", "describes"),
    [
        ({}, None, False, False, False),
        ({}, "viewer", True, False, False),
        ({}, "editor", True, True, False),
        ({"public": True}, None, True, False, False),
        ({"public": True}, "editor", True, True, False),
        ({"collaborative": True}, None, False, False, False),
        ({"collaborative": True}, "viewer", True, True, False),
        ({"public": True, "collaborative": True}, None, True, True, False),
    ],
)
@on_live
async def test_roles_and_flags_decide(
    live: Live, fields: dict[str, bool], member: str | None, reads: bool, lists: bool, describes: bool
) -> None:
    async with people(live) as (playlist, owner, other):
        if fields:
            await described(owner, playlist, **fields)
        if member is not None:
            await role(owner, playlist, other.account, member)
        assert await may_subscribe(other, playlist) == reads
        assert await may_emit(other, playlist, "list.inserted", ITEM) == lists
        assert await may_emit(other, playlist, "playlist.described", {"name": "mine now"}) == describes
        change = {"account": other.account, "role": "editor"}
        assert await may_emit(other, playlist, "playlist.member_changed", change) == describes


@on_live
async def test_what_an_editor_breaks_is_invalid_and_the_next_goes_on(live: Live) -> None:
    async with people(live) as (playlist, owner, other):
        await role(owner, playlist, other.account, "editor")
        seqs = await other.emit_all(("list.inserted", {"no": "list"}), ("list.inserted", ITEM), stream=playlist)
        assert (await other.nacked(seqs[0])).reason == "invalid"
        await other.acked(seqs[1], stream=playlist)
        kinds = [r.kind for r in await all_records(live.service.deployment.log) if r.writer == other.writer]
        assert kinds == [VOID, "list.inserted"]


@pytest.mark.parametrize("lost", ["role", "public"])
@on_live
async def test_who_loses_the_right_to_listen_is_told_and_hears_no_more(live: Live, lost: str) -> None:
    async with people(live) as (playlist, owner, other):
        if lost == "role":
            await role(owner, playlist, other.account, "viewer")
        else:
            await described(owner, playlist, public=True)
        await other.subscribed(playlist)
        await other.agrees(owner.digest(playlist), playlist)
        heard = await owner.emit_acked("list.inserted", ITEM, stream=playlist)
        await other.knows(heard)
        if lost == "role":
            await role(owner, playlist, other.account, None)
        else:
            await described(owner, playlist, public=False)
        ended = await other.expect(Unsubscribed)
        assert (ended.stream, ended.reason) == (playlist, "forbidden")
        mark = len(other.heard)
        await owner.emit_acked("playlist.described", {"name": "without you"}, stream=playlist)
        await other.round_trip()
        assert not [m for m in other.heard[mark:] if isinstance(m, Delta | Snapshot)]
        assert "without you" not in str(other.heard)
        assert not await may_subscribe(other, playlist)


@on_live
async def test_whoever_waits_on_a_new_playlist_loses_it_to_its_owner(live: Live) -> None:
    async with greeted(live) as owner, greeted(live) as waiting:
        playlist = f"p:playlist-number-{next(NAMES):04}"
        await waiting.subscribed(playlist)
        await owner.emit_acked("playlist.described", {"name": "mine"}, stream=playlist)
        assert (await waiting.expect(Unsubscribed)).reason == "forbidden"
        await waiting.round_trip()
        assert "mine" not in str(waiting.heard)


@on_live
async def test_kinds_of_accounts_do_not_belong_into_playlists_nor_the_other_way_round(live: Live) -> None:
    async with people(live) as (playlist, owner, _):
        for stream, kind, data in (
            (playlist, "settings.changed", {"k": 1}),
            ("a:me", "playlist.described", {"name": "x"}),
            ("a:me", "device.revoked", {"device": "d"}),
            ("a:me", "void", {}),
        ):
            seq = await owner.emit(kind, data, stream=stream)
            nack = await owner.nacked(seq)
            assert nack.reason == "forbidden"
            assert kind in nack.message
            owner.seqs[nack.stream] = seq - 1


@on_live
async def test_a_full_list_takes_no_more_until_something_goes(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "ITEMS_MAX", 5)
    monkeypatch.setattr(guard, "RECOUNT_S", 0.05)
    async with short_lists(live) as short, greeted(short) as device:

        async def insert(count: int) -> int:
            items = [{"track": f"t{n}"} for n in range(count)]
            return await device.emit("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": items})

        await device.acked(await insert(18))
        nack = await device.nacked(await insert(5))
        assert nack.reason == "limit"
        assert "5 items into list queue, which has room for 2" in nack.message
        await device.acked(await insert(2))
        assert (await device.nacked(await insert(1))).reason == "limit"
        await device.emit_acked("list.removed", {"list": "queue", "ids": [f"{device.writer}.1.{n}" for n in range(3)]})

        async def there_is_room() -> bool:
            seq = await insert(3)
            await device.round_trip()
            return await device.until(lambda: device.is_answered(seq)) and seq in {ack.seq for ack in device.acks()}

        await eventually(there_is_room)
        assert (await device.nacked(await insert(1))).reason == "limit"


@on_live
async def test_a_nearly_full_list_may_be_rewritten_at_once(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots only grow, and counts are rare: a list of 18,000 in which whole pages were replaced was refused as full."""
    monkeypatch.setattr(guard, "ITEMS_MAX", 5)
    monkeypatch.setattr(guard, "RECOUNT_S", 3_600.0)
    async with short_lists(live) as short, greeted(short) as device:
        items = [{"track": f"t{n}"} for n in range(16)]
        data = {"list": "queue", "parent": None, "side": "R", "items": items}
        await device.emit_acked("list.inserted", data)
        for n in range(5):
            gone = [f"{device.writer}.{2 * n + 1}.{k}" for k in range(4)]
            await device.emit_acked("list.removed", {"list": "queue", "ids": gone})
            await device.emit_acked("list.inserted", {**data, "items": items[:4]})
        nack = await device.nacked(await device.emit("list.inserted", {**data, "items": items[:5]}))
        assert "5 items into list queue, which has room for 4" in nack.message


@on_live
async def test_who_comes_while_a_list_is_counted_waits(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart several devices came at once: one had the queue counted, the others were refused by its slots."""
    monkeypatch.setattr(guard, "ITEMS_MAX", 5)
    counting, may_count = asyncio.Event(), asyncio.Event()

    async def slow_state(*of: Any) -> CurrentState:
        counting.set()
        await may_count.wait()
        return await current_state(*of)

    monkeypatch.setattr(guard, "current_state", slow_state)
    linked = await live.account("phone", "laptop")
    async with short_lists(live) as short, short.device(linked[0]) as phone, short.device(linked[1]) as laptop:
        await phone.arrive("a:me")
        await laptop.arrive("a:me")
        items = [{"track": f"t{n}"} for n in range(16)]
        data = {"list": "queue", "parent": None, "side": "R", "items": items}
        await phone.emit_acked("list.inserted", data)
        gone = [f"{phone.writer}.1.{n}" for n in range(14)]
        await phone.emit_acked("list.removed", {"list": "queue", "ids": gone})
        five = {**data, "items": items[:5]}
        first = await phone.emit("list.inserted", five)
        await counting.wait()
        second = await laptop.emit("list.inserted", five)
        asyncio.get_running_loop().call_later(0.2, may_count.set)  # time enough for a refusal
        await phone.acked(first)
        await laptop.acked(second)
