"""One connection after the other: what a device says, and what it does with every answer a server may give."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from desk import ACCOUNT, OWN, TIMEOUT_S, WRITER, ServerEnd, Wire, device_on, snapshot, tracks

from syncd.client import Change, Device, DeviceState, NotReady, NotSettled, Outcome, Refusal
from syncd.errors import LoginExpired, ProtocolError
from syncd.model.cells import Cell
from syncd.model.stamp import ms
from syncd.protocol.messages import (
    Ack,
    By,
    Delta,
    Digest,
    DigestRequest,
    Drain,
    Error,
    Hello,
    Limits,
    Nack,
    Pong,
    ServerMessage,
    Snapshot,
    StreamWelcome,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)
from syncd.testing.device_clock import START_MS, ManualDeviceClock


def play(test: Callable[[Wire], Awaitable[None]]) -> None:
    """Run a test against a wire of its own."""
    asyncio.run(asyncio.wait_for(test(Wire()), 4 * TIMEOUT_S))


def like(device: Device, track: str) -> Any:
    """An event, and nothing more."""
    return device.library.add("tracks", track).events[0]


async def tell(device: Device, server: ServerEnd, message: ServerMessage) -> None:
    """Say something to the device, and wait until it has taken it in."""
    heard: list[object] = []
    unsubscribe = device.on_message(heard.append)
    server.say(message)
    await device.until(lambda: bool(heard), timeout_s=TIMEOUT_S)
    unsubscribe()


# --- from hello to the first event ---


def test_a_new_store_proposes_the_writer_it_has_drawn_and_numbers_its_events_under_the_one_it_gets() -> None:
    async def test(wire: Wire) -> None:
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

    play(test)


def test_a_writer_that_the_server_takes_as_it_is_keeps_every_name() -> None:
    """So a copy of a store that was never connected, restored after the original was, is found out by its numbers."""

    async def test(wire: Wire) -> None:
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

    play(test)


def test_a_known_store_presents_writer_cursor_and_last_seq() -> None:
    async def test(wire: Wire) -> None:
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

    play(test)


def test_nothing_is_sent_before_its_stream_is_in_step() -> None:
    async def test(wire: Wire) -> None:
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

    play(test)


def test_events_leave_in_the_order_they_were_made_over_all_streams() -> None:
    async def test(wire: Wire) -> None:
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

    play(test)


def test_an_event_on_a_new_stream_waits_for_the_subscription_and_holds_up_what_is_behind_it() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
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

    play(test)


def test_events_of_a_stream_that_may_not_be_read_are_sent_all_the_same() -> None:
    """The gateway says what it thinks of each of them."""

    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            refused: list[Refusal] = []
            device.on_refused(refused.append)
            server = await wire.accepted()
            await server.take_in()
            playlist = device.playlist("0123456789abcdef")
            playlist.add("t1")
            assert isinstance(await server.heard(), Subscribe)
            server.say(Error("forbidden", "not yours", playlist.stream))
            (event,) = await server.heard_events()
            server.say(Nack(playlist.stream, event.seq, "forbidden", "not yours"))
            await device.until(lambda: bool(refused), timeout_s=TIMEOUT_S)
            assert refused == [Refusal(playlist.stream, "list.inserted", "forbidden", "not yours")]
            assert (playlist.tracks, device.owed) == ([], 0)

    play(test)


def test_the_library_says_which_playlists_to_be_in_step_with() -> None:
    async def test(wire: Wire) -> None:
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

    play(test)


def test_a_large_backlog_is_sent_in_frames_that_fit_with_a_bounded_number_in_flight() -> None:
    async def test(wire: Wire) -> None:
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

    play(test)


# --- answers ---


def test_after_a_break_what_has_no_answer_is_sent_again_with_the_same_numbers_and_times() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
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

    play(test)


def test_a_gap_that_is_still_held_is_sent_again_from_there() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
            for track in ("t1", "t2", "t3"):
                like(device, track)
            events = await server.heard_events(3)
            server.say(Nack(OWN, 3, "gap", "3 came, 2 was expected", 2))
            again = await server.heard_events(2)
            assert [event.seq for event in again] == [2, 3]
            assert again[0].t == events[1].t

    play(test)


def test_a_gap_that_is_not_held_any_more_is_answered_by_a_hello_without_a_writer() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
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

    play(test)


def test_with_another_writer_nothing_is_sent_before_the_server_has_told_what_it_has() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
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

    play(test)


def test_unavailable_keeps_the_event_and_tries_again() -> None:
    async def test(wire: Wire) -> None:
        clock = ManualDeviceClock()
        async with device_on(wire, clock=clock) as device:
            server = await wire.accepted()
            await server.take_in()
            like(device, "t1")
            (event,) = await server.heard_events()
            await tell(device, server, Nack(OWN, 1, "unavailable", "the log is away"))
            assert server.is_quiet()
            clock.pass_ms(1_000)
            (again,) = await server.heard_events()
            assert (again.seq, again.t) == (event.seq, event.t)

    play(test)


@pytest.mark.parametrize("reason", ["invalid", "limit", "expired", "forbidden"])
def test_a_refusal_for_good_takes_back_what_was_done_and_is_told(reason: Any) -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            refused: list[Refusal] = []
            device.on_refused(refused.append)
            server = await wire.accepted()
            await server.take_in()
            done = device.library.add("tracks", "t1")
            await server.heard_events()
            server.say(Nack(OWN, 1, reason, "because"))
            await device.settled(timeout_s=TIMEOUT_S)
            assert not device.library.has("tracks", "t1")
            assert done.outcome is Outcome.REFUSED
            assert done.undo is None
            assert refused == [Refusal("a:me", "library.changed", reason, "because")]

    play(test)


def test_what_hung_on_a_refused_insertion_is_inserted_again_where_it_was_seen() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            refused: list[Refusal] = []
            device.on_refused(refused.append)
            server = await wire.accepted()
            await server.take_in()
            device.queue.add("a", "z")
            server.ack(*await server.heard_events())
            await device.settled(timeout_s=TIMEOUT_S)
            device.queue.insert(1, "b")
            device.queue.insert(2, "c")
            device.queue.insert(3, "d")
            last = device.queue.items[3].id
            assert device.queue.tracks == ["a", "b", "c", "d", "z"]
            assert tracks(await server.heard_events(3)) == ["b", "c", "d"]
            server.say(
                Nack(OWN, 2, "limit", "full"), Nack(OWN, 3, "orphan", "names 2"), Nack(OWN, 4, "orphan", "names 3")
            )
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

    play(test)


def test_controls_of_a_play_that_never_began_are_dropped() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
            await device.ready(timeout_s=TIMEOUT_S)
            device.play("t1")
            device.seek(5_000)
            await server.heard_events(2)
            server.say(Nack(OWN, 1, "limit", "no"), Nack(OWN, 2, "orphan", "names 1"))
            await device.settled(timeout_s=TIMEOUT_S)
            assert device.playback is None
            assert server.is_quiet()

    play(test)


# --- time ---


def test_the_servers_clock_counts_from_the_middle_of_the_round_trip() -> None:
    async def test(wire: Wire) -> None:
        clock = ManualDeviceClock(wall_ms=START_MS - 3_600_000)
        async with device_on(wire, clock=clock) as device:
            server = await wire.accepted()
            hello = await server.heard_hello()
            clock.pass_ms(100)
            server.welcome(hello, now_ms=START_MS)
            await device.ready(timeout_s=TIMEOUT_S)
            assert ms(like(device, "t1").event.t) == START_MS + 50

    play(test)


def test_without_an_answer_for_ten_seconds_it_comes_back_and_sends_again() -> None:
    async def test(wire: Wire) -> None:
        clock = ManualDeviceClock()
        async with device_on(wire, clock=clock) as device:
            server = await wire.accepted()
            await server.take_in()
            like(device, "t1")
            (event,) = await server.heard_events()
            clock.pass_ms(10_100)
            server = await wire.accepted()
            assert "no answer to event for 10 s" in str(device.error)
            await server.take_in(resume="tail")
            assert [again.seq for again in await server.heard_events()] == [event.seq]

    play(test)


def test_after_a_long_sleep_it_asks_at_once_whether_the_connection_stands() -> None:
    async def test(wire: Wire) -> None:
        clock = ManualDeviceClock()
        async with device_on(wire, clock=clock) as device:
            server = await wire.accepted()
            await server.take_in()
            await device.ready(timeout_s=TIMEOUT_S)
            clock.pass_ms(3_600_000)
            await server.heard_ping()

    play(test)


# --- ends ---


@pytest.mark.parametrize(
    ("code", "cursor", "writer"),
    [
        (1006, "c1", WRITER), (1012, "c1", WRITER), (4000, "c1", WRITER), (4001, "c1", WRITER), (4002, "c1", WRITER),
        (4100, None, WRITER), (4101, None, None), (4199, None, WRITER), (4077, "c1", WRITER),
    ],
)  # fmt: skip
def test_it_comes_back_as_the_close_code_says(code: int, cursor: str | None, writer: str | None) -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
            await device.ready(timeout_s=TIMEOUT_S)
            server.hang_up(code)
            hello = await (await wire.accepted()).heard_hello()
            assert [claim.cursor for claim in hello.streams] == [cursor]
            assert hello.writer == writer

    play(test)


@pytest.mark.parametrize("code", [4200, 4201])
def test_a_login_that_does_not_stand_is_told_and_can_be_renewed(code: int) -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire, token="old") as device:
            like(device, "t1")
            server = await wire.accepted()
            await server.heard_hello()
            server.hang_up(code, "unknown or expired token")
            with pytest.raises(NotReady, match="login needed, unknown or expired token"):
                await device.ready(timeout_s=TIMEOUT_S)
            assert isinstance(device.error, LoginExpired)
            device.renew("new")
            server = await wire.accepted()
            hello = await server.take_in()
            assert hello.token == "new"
            assert len(await server.heard_events()) == 1

    play(test)


@pytest.mark.parametrize("code", [4500, 4501, 4502, 1009, 4599])
def test_where_it_is_not_understood_it_does_not_come_back(code: int) -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.heard_hello()
            server.hang_up(code, "that is not a message")
            with pytest.raises(NotReady, match="stopped, that is not a message"):
                await device.ready(timeout_s=TIMEOUT_S)
            assert device.state is DeviceState.STOPPED
            assert isinstance(device.error, ProtocolError)

    play(test)


def test_a_token_of_another_account_is_refused_before_anything_is_sent(tmp_path: Any) -> None:
    async def test(wire: Wire) -> None:
        path = str(tmp_path / "s.db")
        async with device_on(wire, store=path) as device:
            await (await wire.accepted()).take_in()
            await device.ready(timeout_s=TIMEOUT_S)
        async with device_on(wire, store=path) as device:
            like(device, "t1")
            server = await wire.accepted()
            await server.heard_hello()
            server.say(
                Welcome(
                    "w" * 10, "other", "d2", START_MS, [StreamWelcome("a:other", 1, "snapshot")], Limits(1, 1, 1, 1)
                )
            )
            with pytest.raises(NotReady, match="belongs to account 9f3c, the token to other"):
                await device.ready(timeout_s=TIMEOUT_S)
            assert await server.heard() is None
            assert device.owed == 1

    play(test)


def test_an_ack_of_what_was_never_asked_makes_it_come_back_for_a_snapshot() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
            await device.ready(timeout_s=TIMEOUT_S)
            server.say(Ack(OWN, WRITER, 99, 5, False, "c9"))
            hello = await (await wire.accepted()).heard_hello()
            assert hello.streams[0].cursor is None

    play(test)


def test_a_server_that_breaks_the_rules_is_left_and_tried_again() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in()
            server.say(Snapshot(OWN, [], 7, False))
            assert isinstance(await (await wire.accepted()).heard_hello(), Hello)
            assert "part 7 of the snapshot" in str(device.error)

    play(test)


def test_a_server_that_drains_is_left_in_time_for_the_one_it_names() -> None:
    async def test(wire: Wire) -> None:
        urls: list[str] = []
        clock = ManualDeviceClock()

        async def connect(url: str, codec: Any) -> ServerEnd:
            urls.append(url)
            return await Wire.connect(wire, url, codec)

        device = device_on(wire, clock=clock)
        device._connector._connect = connect
        async with device:
            server = await wire.accepted()
            await server.take_in()
            await device.ready(timeout_s=TIMEOUT_S)
            await tell(device, server, Drain(2_000, "ws://other/v1/sync"))
            clock.pass_ms(2_000)
            await (await wire.accepted()).heard_hello()
            assert urls[-1] == "ws://other/v1/sync"

    play(test)


# --- waiting ---


def test_waiting_has_an_end_and_says_why() -> None:
    async def test(wire: Wire) -> None:
        wire.is_down = True
        async with device_on(wire) as device:
            like(device, "t1")
            with pytest.raises(NotReady, match=r"after 0\.05 s: .*the network is down"):
                await device.ready(timeout_s=0.05)
            with pytest.raises(NotSettled, match=r"after 0\.05 s: .*the network is down"):
                await device.settled(timeout_s=0.05)
            with pytest.raises(TimeoutError):
                await device.until(lambda: False, timeout_s=0.05)
        with pytest.raises(NotSettled, match="closed"):
            await device.settled(timeout_s=TIMEOUT_S)

    play(test)


def test_digests_are_compared_with_the_servers() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in(cells={"settings/a": Cell("r", 1)})
            await device.ready(timeout_s=TIMEOUT_S)

            async def answer(digest: str) -> None:
                assert await server.heard() == DigestRequest("a:me")
                server.say(Digest(OWN, "c1", digest, 1))

            verifying = asyncio.create_task(device.verify(timeout_s=TIMEOUT_S))
            await answer("0" * 16)
            await answer(device.digest())
            assert (await verifying).agrees
            verifying = asyncio.create_task(device.verify(timeout_s=0.05))
            await answer("0" * 16)
            found = await verifying
            assert (found.agrees, found.theirs) == (False, "0" * 16)

    play(test)


def test_a_stream_can_be_taken_again_as_a_whole() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            server = await wire.accepted()
            await server.take_in(cells={"settings/wrong": Cell("r", 1)})
            await device.ready(timeout_s=TIMEOUT_S)
            device.take_again()
            assert await server.heard() == Unsubscribe("a:me")
            assert await server.heard() == Subscribe("a:me", None, None)
            right = snapshot(OWN, {"settings/right": Cell("r", 1)})
            server.say(Unsubscribed(OWN), Subscribed(OWN, 1, "snapshot"), right)
            await device.until(lambda: device.settings.all == {"right": 1}, timeout_s=TIMEOUT_S)

    play(test)


def test_a_mistake_in_a_callback_does_not_end_the_connection() -> None:
    async def test(wire: Wire) -> None:
        told: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        async with device_on(wire) as device:

            def mistaken(_: object) -> None:
                raise ValueError("my own mistake")

            unsubscribe = device.on_change(mistaken)
            server = await wire.accepted()
            await server.take_in()
            server.say(Delta(OWN, [("settings/a", "r", 1)], "c2"))
            await device.until(lambda: bool(told), timeout_s=TIMEOUT_S)
            unsubscribe()
            server.say(Delta(OWN, [("settings/a", "r2", 2)], "c3"))
            await device.until(lambda: device.settings.get("a") == 2, timeout_s=TIMEOUT_S)
            assert [str(error) for error in told] == ["my own mistake"]

    play(test)


def test_changes_tell_what_shows_now_and_who_did_it() -> None:
    async def test(wire: Wire) -> None:
        async with device_on(wire) as device:
            changes: list[Change] = []
            device.on_change(changes.append)
            server = await wire.accepted()
            await server.take_in()
            by = By(ACCOUNT, "d2", "settings.changed", "w.1", 7)
            server.say(Delta(OWN, [("settings/a", "r", 1)], "c2", by))
            await device.until(lambda: bool(changes), timeout_s=TIMEOUT_S)
            assert changes == [Change("a:me", {"settings/a": Cell("r", 1)}, by)]
            assert changes[0].areas == {"settings"}

    play(test)
