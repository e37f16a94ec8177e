"""The parts that stand by themselves: clocks, backoff, the lock beside a store, names, the threads' device."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from desk import URL, Wire, device_on
from websockets.asyncio.server import ServerConnection, serve

from syncd.client import sync as blocking
from syncd.client.backoff import DELAY_S_FIRST, DELAY_S_MAX, STEADY_S, Backoff
from syncd.client.clocks import STALE_AFTER_S, ServerTime, SystemDeviceClock
from syncd.client.ownership import Ownership
from syncd.client.playlist import new_playlist_id, playlist_stream
from syncd.client.race import until_first_ends
from syncd.client.websocket_link import connect_websocket
from syncd.errors import ConfigError, InvalidEvent, Unavailable
from syncd.model.ids import is_stream
from syncd.protocol.codec import JSON
from syncd.testing.device_clock import START_MS, ManualDeviceClock

HOLD = """
import sys
from syncd.client.ownership import Ownership

print(Ownership(sys.argv[1]).acquire(), flush=True)
sys.stdin.read()
"""

# --- clocks ---


def test_before_the_server_was_met_its_clock_is_the_wall_clock_with_the_offset_of_the_last_run() -> None:
    clock = ManualDeviceClock()
    time = ServerTime(clock, wall_offset_ms=-5_000)
    assert time.now_ms() == START_MS - 5_000
    assert time.wall_offset_ms == -5_000
    assert time.is_stale


def test_once_measured_it_goes_on_by_the_monotonic_clock_alone() -> None:
    clock = ManualDeviceClock()
    time = ServerTime(clock)
    time.measure(sent_ms=time.monotonic_ms(), server_ms=START_MS + 60_000)
    assert not time.is_stale
    clock.pass_ms(1_000)
    clock.wall_ms -= 86_400_000
    assert time.now_ms() == START_MS + 61_000
    assert time.wall_offset_ms == 60_000 + 86_400_000


def test_after_a_long_time_earlier_measurements_are_forgotten() -> None:
    """A quick answer of yesterday says less than a slow one of today."""
    clock = ManualDeviceClock()
    time = ServerTime(clock)
    time.measure(sent_ms=time.monotonic_ms(), server_ms=START_MS)
    clock.pass_ms(round(STALE_AFTER_S * 1_000) + 1)
    assert time.is_stale
    sent_ms = time.monotonic_ms()
    clock.pass_ms(400)
    time.measure(sent_ms=sent_ms, server_ms=2 * START_MS)
    assert time.now_ms() == 2 * START_MS + 200


def test_the_machines_clock_names_its_boot_and_goes_on() -> None:
    first, second = SystemDeviceClock(), SystemDeviceClock()
    assert first.boot == second.boot != ""
    assert first.monotonic_s() <= second.monotonic_s()
    assert first.now_ms() > START_MS


# --- backoff ---


def test_the_first_try_comes_at_once_and_later_ones_ever_later_up_to_a_bound() -> None:
    backoff = Backoff(random.Random(3))
    delays = [backoff.next_s() for _ in range(40)]
    assert delays[0] == 0
    bounds = [min(DELAY_S_MAX, DELAY_S_FIRST * 2**n) for n in range(39)]
    assert all(bound / 2 <= delay <= bound for delay, bound in zip(delays[1:], bounds, strict=True))
    assert len(set(delays)) == 40


def test_only_a_connection_that_lasted_begins_it_anew() -> None:
    backoff = Backoff(random.Random(3))
    backoff.next_s()
    backoff.steady(STEADY_S - 0.1)
    assert backoff.next_s() > 0
    backoff.steady(STEADY_S)
    assert backoff.next_s() == 0


# --- the lock beside a store ---


def test_one_at_a_time_owns_a_store_and_the_next_when_that_one_is_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        ours = Ownership(path)
        assert not ours.acquire()
        holder.kill()
    assert ours.acquire()
    assert ours.acquire()
    other = Ownership(path)
    assert not other.acquire()
    ours.release()
    ours.release()
    assert other.acquire()


def test_a_store_in_memory_has_nobody_to_share_with() -> None:
    assert Ownership(None).acquire()
    assert Ownership(None).acquire()
    Ownership(None).tell(connected=True)
    assert not Ownership(None).is_holder_connected()


def test_the_others_know_whether_the_one_that_owns_a_store_is_connected(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    ours, other = Ownership(path), Ownership(path)
    assert not other.is_holder_connected()
    assert ours.acquire()
    told = [other.is_holder_connected()]
    for connected in (True, False, True):
        ours.tell(connected=connected)
        told.append(other.is_holder_connected())
    assert told == [False, True, False, True]
    assert not ours.is_holder_connected(), "it asks its own connection"
    other.tell(connected=False)
    assert other.is_holder_connected(), "nobody but the holder says so"
    ours.release()
    assert not other.is_holder_connected(), "it counts only while somebody holds the lock"
    assert other.acquire()
    assert not ours.is_holder_connected(), "what the one before it said is forgotten"


# --- names ---


def test_a_new_playlist_has_an_id_that_makes_a_stream() -> None:
    ids = {new_playlist_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(id_) == 22 and is_stream(playlist_stream(id_)) for id_ in ids)
    assert playlist_stream("p:0123456789abcdef") == playlist_stream("0123456789abcdef")


def test_a_playlist_with_an_id_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(InvalidEvent, match=r"'p:short' is no stream"):
        device_on(Wire()).playlist("short")


# --- racing tasks ---


def test_the_first_to_end_ends_the_others_and_a_cancellation_is_one() -> None:
    async def story() -> None:
        ended: list[str] = []

        async def waits() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("waits")

        async def fails() -> None:
            raise Unavailable("broken")

        with pytest.raises(Unavailable, match="broken"):
            await until_first_ends(waits(), fails())
        assert ended == ["waits"]
        racing = asyncio.create_task(until_first_ends(waits(), waits()))
        await asyncio.sleep(0)
        racing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await racing
        assert ended == ["waits"] * 3

    asyncio.run(story())


# --- opening and closing ---


def test_an_address_that_is_none_is_told_at_once() -> None:
    with pytest.raises(
        ConfigError, match="no address is not an address like ws://host:port/v1/sync or http://host:port"
    ):
        blocking.Device("no address", "token")


def test_a_device_may_be_used_from_many_threads(tmp_path: Path) -> None:
    with blocking.Device("ws://127.0.0.1:9/v1/sync", "token", store=str(tmp_path / "s.db")) as device:

        def add() -> None:
            for n in range(20):
                device.queue.add(f"t{n}")

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(device.queue) == device.owed == 80
    device.close()
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        device.ready()


def test_a_device_that_was_never_opened_can_be_closed_and_keeps_what_was_done(tmp_path: Path) -> None:
    store = str(tmp_path / "s.db")
    device = device_on(Wire(), store=store)
    device.queue.add("t")
    asyncio.run(device.close())
    again = blocking.Device(URL, "token", store=store)
    assert again.queue.tracks == ["t"]
    again.close()


def test_a_link_that_speaks_something_else_is_refused() -> None:
    async def story() -> None:
        async def mute(socket: ServerConnection) -> None:
            await socket.wait_closed()

        async with serve(mute, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            with pytest.raises(Unavailable, match=r"does not speak syncd\.v1\.json"):
                await connect_websocket(f"ws://127.0.0.1:{port}", JSON)

    asyncio.run(story())
