"""What a device does with every answer that an event may get, and when none comes."""

from __future__ import annotations

from typing import Any

import pytest
from desk import OWN, TIMEOUT_S, WRITER, Wire, like, played, taken_in, tell, tracks

from syncd.client import Outcome, Refusal
from syncd.protocol.messages import (
    Delta,
    Nack,
    Pong,
)
from syncd.testing.device_clock import START_MS, ManualDeviceClock


@played
async def test_after_a_break_what_has_no_answer_is_sent_again_with_the_same_numbers_and_times(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        like(device, "t1")
        like(device, "t2")
        events = await server.heard_events(2)
        server.ack(events[0])
        await device.until(lambda: device.owed == 1, timeout_s=TIMEOUT_S)
        server.hang_up()
        server = await wire.accepted()
        await server.take_in(resume="tail", next_seq=3)
        again = await server.heard_events(1)
        assert [(event.seq, event.t, bytes(event.data)) for event in again] == [
            (events[1].seq, events[1].t, bytes(events[1].data))
        ]
        server.ack(*again, seen=True)
        await device.settled(timeout_s=TIMEOUT_S)


@played
async def test_a_gap_that_is_still_held_is_sent_again_from_there(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        for track in ("t1", "t2", "t3"):
            like(device, track)
        events = await server.heard_events(3)
        server.say(Nack(OWN, 3, "gap", "3 came, 2 was expected", 2))
        again = await server.heard_events(2)
        assert [event.seq for event in again] == [2, 3]
        assert again[0].t == events[1].t


@played
async def test_a_gap_that_is_not_held_any_more_is_answered_by_a_hello_without_a_writer(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        like(device, "t1")
        server.ack(*await server.heard_events())
        await device.settled(timeout_s=TIMEOUT_S)
        event = like(device, "t2")
        await server.heard_events()
        server.say(Nack(OWN, 2, "gap", "2 came, 1 was expected", 1))
        server = await wire.accepted()
        hello = await server.heard_hello()
        assert hello.writer is None
        assert hello.streams[0].cursor == "after-ack"
        server.welcome(hello, writer="writer0002", resume="tail")
        (sent,) = await server.heard_events()
        assert (sent.seq, event.id) == (1, "writer0002.1")
        server.ack(sent, writer="writer0002")
        await device.settled(timeout_s=TIMEOUT_S)


@played
async def test_with_another_writer_nothing_is_sent_before_the_server_has_told_what_it_has(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        done = device.queue.add("t1")
        (sent,) = await server.heard_events()
        server.hang_up(4101)
        server = await wire.accepted()
        hello = await server.heard_hello()
        assert (hello.writer, hello.streams[0].cursor) == (None, None)
        server.welcome(hello, writer="writer0002", resume="tail")
        ping = await server.heard_ping()
        assert server.is_quiet()
        run = {"parent": None, "side": "R", "t": sent.t, "writer": WRITER, "items": [{"track": "t1"}]}
        server.say(Delta(OWN, [(f"queue/run/{WRITER}.1", "0" * 21, run)], "c3"), Pong(ping.sent_ms, START_MS))
        await device.settled(timeout_s=TIMEOUT_S)
        assert done.outcome is Outcome.ADMITTED
        assert device.queue.tracks == ["t1"]
        assert server.is_quiet()


@played
async def test_unavailable_keeps_the_event_and_tries_again(wire: Wire) -> None:
    clock = ManualDeviceClock()
    async with taken_in(wire, clock=clock) as (device, server):
        like(device, "t1")
        (event,) = await server.heard_events()
        await tell(device, server, Nack(OWN, 1, "unavailable", "the log is away"))
        assert server.is_quiet()
        clock.pass_ms(1_000)
        (again,) = await server.heard_events()
        assert (again.seq, again.t) == (event.seq, event.t)


@pytest.mark.parametrize("reason", ["invalid", "limit", "expired", "forbidden"])
@played
async def test_a_refusal_for_good_takes_back_what_was_done_and_is_told(wire: Wire, reason: Any) -> None:
    async with taken_in(wire) as (device, server):
        refused: list[Refusal] = []
        device.on_refused(refused.append)
        done = device.library.add("tracks", "t1")
        await server.heard_events()
        server.say(Nack(OWN, 1, reason, "because"))
        await device.settled(timeout_s=TIMEOUT_S)
        assert not device.library.has("tracks", "t1")
        assert done.outcome is Outcome.REFUSED
        assert done.undo is None
        assert refused == [Refusal("a:me", "library.changed", reason, "because")]


@played
async def test_what_hung_on_a_refused_insertion_is_inserted_again_where_it_was_seen(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        refused: list[Refusal] = []
        device.on_refused(refused.append)
        device.queue.add("a", "z")
        server.ack(*await server.heard_events())
        await device.settled(timeout_s=TIMEOUT_S)
        device.queue.insert(1, "b")
        device.queue.insert(2, "c")
        device.queue.insert(3, "d")
        last = device.queue.items[3].id
        assert device.queue.tracks == ["a", "b", "c", "d", "z"]
        assert tracks(await server.heard_events(3)) == ["b", "c", "d"]
        server.say(Nack(OWN, 2, "limit", "full"), Nack(OWN, 3, "orphan", "names 2"), Nack(OWN, 4, "orphan", "names 3"))
        again = await server.heard_events(2)
        assert tracks(again) == ["c", "d"]
        assert [event.seq for event in again] == [5, 6]
        server.ack(*again)
        await device.settled(timeout_s=TIMEOUT_S)
        assert device.queue.tracks == ["a", "c", "d", "z"]
        assert [(told.reason, told.reissued) for told in refused] == [
            ("limit", False), ("orphan", True), ("orphan", True),
        ]  # fmt: skip
        device.queue.remove(last)
        assert device.queue.tracks == ["a", "c", "z"]


@played
async def test_controls_of_a_play_that_never_began_are_dropped(wire: Wire) -> None:
    async with taken_in(wire) as (device, server):
        await device.ready(timeout_s=TIMEOUT_S)
        device.play("t1")
        device.seek(5_000)
        await server.heard_events(2)
        server.say(Nack(OWN, 1, "limit", "no"), Nack(OWN, 2, "orphan", "names 1"))
        await device.settled(timeout_s=TIMEOUT_S)
        assert device.playback is None
        assert server.is_quiet()


@played
async def test_without_an_answer_for_ten_seconds_it_comes_back_and_sends_again(wire: Wire) -> None:
    clock = ManualDeviceClock()
    async with taken_in(wire, clock=clock) as (device, server):
        like(device, "t1")
        (event,) = await server.heard_events()
        clock.pass_ms(10_100)
        server = await wire.accepted()
        assert "no answer to event for 10 s" in str(device.error)
        await server.take_in(resume="tail")
        assert [again.seq for again in await server.heard_events()] == [event.seq]
