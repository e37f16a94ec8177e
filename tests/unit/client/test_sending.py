"""What a device says first, and in which order its events leave."""

from __future__ import annotations

import asyncio

from desk import ACCOUNT, OWN, TIMEOUT_S, WRITER, Wire, device_on, like, played, snapshot, taken_in, tracks

from syncd.client import Refusal
from syncd.model.cells import Cell
from syncd.protocol.messages import (
    Delta,
    Error,
    Nack,
    Subscribe,
    Subscribed,
    Unsubscribe,
)


@played
async def test_a_new_store_proposes_the_writer_it_has_drawn_and_numbers_its_events_under_the_one_it_gets(
    wire: Wire,
) -> None:
    async with device_on(wire) as device:
        event = like(device, "t1")
        server = await wire.accepted()
        hello = await server.heard_hello()
        assert (hello.token, hello.writer, len(hello.nonce)) == ("token", None, 16)
        assert hello.proposal == event.event.writer
        assert [(claim.stream, claim.cursor) for claim in hello.streams] == [("a:me", None)]
        server.welcome(hello)
        (sent,) = await server.heard_events()
        assert (sent.stream, sent.seq, sent.kind) == ("a:me", 1, "library.changed")
        assert event.id == f"{WRITER}.1"
        server.ack(sent)
        await device.settled(timeout_s=TIMEOUT_S)
        assert (device.account, device.device_id) == (ACCOUNT, "d1")


@played
async def test_a_writer_that_the_server_takes_as_it_is_keeps_every_name(wire: Wire) -> None:
    """So a copy of a store that was never connected, restored after the original was, is found out by its numbers."""
    async with device_on(wire) as device:
        device.queue.add("t1")
        entry = device.queue.items[0].id
        server = await wire.accepted()
        hello = await server.heard_hello()
        assert hello.proposal is not None
        server.welcome(hello, writer=hello.proposal)
        (sent,) = await server.heard_events()
        assert device.queue.items[0].id == entry == f"{hello.proposal}.{sent.seq}.0"
        assert device.device_id == "d1"


@played
async def test_a_known_store_presents_writer_cursor_and_last_seq(wire: Wire) -> None:
    async with device_on(wire) as device:
        server = await wire.accepted()
        first = await server.take_in()
        like(device, "t1")
        server.ack(*await server.heard_events())
        await device.settled(timeout_s=TIMEOUT_S)
        server.hang_up()
        again = await (await wire.accepted()).heard_hello()
        assert (again.writer, again.proposal, again.nonce) == (WRITER, None, first.nonce)
        assert [(claim.cursor, claim.last_seq) for claim in again.streams] == [("after-ack", 1)]


@played
async def test_nothing_is_sent_before_its_stream_is_in_step(wire: Wire) -> None:
    async with device_on(wire) as device:
        like(device, "t1")
        server = await wire.accepted()
        hello = await server.heard_hello()
        server.welcome(hello, writer=hello.writer, resume="cells")
        server.say(Delta(OWN, [("settings/a", "r", 1)]))
        await device.until(lambda: device.settings.get("a") == 1, timeout_s=TIMEOUT_S)
        assert server.is_quiet()
        server.say(Delta(OWN, [], "c"))
        assert len(await server.heard_events()) == 1


@played
async def test_events_leave_in_the_order_they_were_made_over_all_streams(wire: Wire) -> None:
    async with device_on(wire) as device:
        playlist = device.playlist("0123456789abcdef")
        like(device, "t1")
        playlist.add("t2")
        like(device, "t3")
        server = await wire.accepted()
        await server.take_in()
        events = await server.heard_events(3)
        assert [event.stream for event in events] == ["a:me", playlist.stream, "a:me"]
        assert [event.seq for event in events] == [1, 1, 2]


@played
async def test_an_event_on_a_new_stream_waits_for_the_subscription_and_holds_up_what_is_behind_it(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        await device.ready(timeout_s=TIMEOUT_S)
        playlist = device.playlist("0123456789abcdef")
        playlist.add("t1")
        like(device, "t2")
        message = await server.heard()
        assert message == Subscribe(playlist.stream, None, 1)
        await asyncio.sleep(0)
        assert server.is_quiet()
        server.say(Subscribed(playlist.stream, 1, "snapshot"), snapshot(playlist.stream, {}))
        assert [event.stream for event in await server.heard_events(2)] == [playlist.stream, "a:me"]


@played
async def test_events_of_a_stream_that_may_not_be_read_are_sent_all_the_same(wire: Wire) -> None:
    """The gateway says what it thinks of each of them."""
    async with taken_in(wire) as (device, server):
        refused: list[Refusal] = []
        device.on_refused(refused.append)
        playlist = device.playlist("0123456789abcdef")
        playlist.add("t1")
        assert isinstance(await server.heard(), Subscribe)
        server.say(Error("forbidden", "not yours", playlist.stream))
        (event,) = await server.heard_events()
        server.say(Nack(playlist.stream, event.seq, "forbidden", "not yours"))
        await device.until(lambda: bool(refused), timeout_s=TIMEOUT_S)
        assert refused == [Refusal(playlist.stream, "list.inserted", "forbidden", "not yours")]
        assert (playlist.tracks, device.owed) == ([], 0)


@played
async def test_the_library_says_which_playlists_to_be_in_step_with(wire: Wire) -> None:
    async with device_on(wire) as device:
        server = await wire.accepted()
        cells = {
            "library/playlists/0123456789abcdef": Cell("0" * 21, True),
            "library/playlists/odd": Cell("r", True),
        }
        await server.take_in(cells=cells)
        assert (await server.take_subscription()).stream == "p:0123456789abcdef"
        await device.ready(timeout_s=TIMEOUT_S)
        server.say(Delta(OWN, [("library/playlists/0123456789abcdef", "1" * 21, False)], "c2"))
        assert await server.heard() == Unsubscribe("p:0123456789abcdef")


@played
async def test_a_large_backlog_is_sent_in_frames_that_fit_with_a_bounded_number_in_flight(wire: Wire) -> None:
    async with device_on(wire) as device:
        for n in range(300):
            device.settings.set("key", f"{n}" + "x" * 2_000)
        server = await wire.accepted()
        await server.take_in()
        first = await server.heard_events(256)
        assert [event.seq for event in first] == list(range(1, 257))
        await asyncio.sleep(0)
        assert server.is_quiet()
        server.ack(*first[:10])
        more = await server.heard_events(10)
        assert [event.seq for event in more] == list(range(257, 267))


@played
async def test_what_the_server_knows_is_answered_before_anything_new_leaves(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        like(device, "t1")
        (first,) = await server.heard_events()
        server.hang_up()
        server = await wire.accepted()
        hello = await server.heard_hello()
        like(device, "t2")
        server.welcome(hello, resume="tail", next_seq=2)
        assert [event.seq for event in await server.heard_events()] == [1]
        assert not like(device, "t3").pending.sent
        server.ack(first, seen=True)
        assert [event.seq for event in await server.heard_events(2)] == [2, 3]


@played
async def test_nothing_new_is_under_way_when_a_number_turns_out_to_be_taken(wire: Wire) -> None:
    """A restored store that made events before it was online: what it sent under the old names would be there twice."""
    async with taken_in(wire) as (device, server):
        device.queue.add("ours")
        (first,) = await server.heard_events()
        server.hang_up()
        server = await wire.accepted()
        hello = await server.heard_hello()
        device.queue.add("behind it")
        server.welcome(hello, resume="tail", next_seq=2)
        assert [event.seq for event in await server.heard_events()] == [1]
        server.ack(first, seen=True, t=first.t - 5_000)
        assert await server.heard() is None
        server = await wire.accepted()
        hello = await server.heard_hello()
        assert hello.writer is None
        server.welcome(hello, writer="writer0002", resume="tail")
        events = await server.heard_events(2)
        assert [event.seq for event in events] == [1, 2]
        assert tracks(events) == ["ours", "behind it"]
