"""The Python SDK against a real `syncd serve`: real sockets, real files, processes that are killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from syncd.bootstrap import open_deployment
from syncd.client import Device, DeviceState, Refusal, player
from syncd.client import sync as blocking
from syncd.client.clocks import SystemDeviceClock
from syncd.client.link import Link
from syncd.client.websocket_link import connect_websocket
from syncd.errors import LoginExpired, Unavailable
from syncd.operations.devices import revoke_device
from syncd.protocol.codec import Codec
from syncd.testing.lossy_proxy import Faults, LossyProxy
from syncd.testing.server_process import ServerProcess

TIMEOUT_S = 60.0
"""For any one step, on a machine that is busy with other tests."""
WRITE_FOR_EVER = """
import asyncio, sys
from itertools import count
from syncd.client import Device

async def main():
    url, token, store, stream = sys.argv[1:]
    async with Device(url, token, store=store) as device:
        playlist = device.playlist(stream)
        for n in count():
            playlist.add(f"t{n}")
            print(n, flush=True)
            await asyncio.sleep(0)

asyncio.run(main())
"""
HOLD_THE_STORE = """
import asyncio, sys
from syncd.client import Device

async def main():
    url, token, store = sys.argv[1:]
    async with Device(url, token, store=store) as device:
        await device.ready()
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
ADD_ONE = """
import sys
from syncd.client.sync import Device

url, token, store, track = sys.argv[1:]
with Device(url, token, store=store) as device:
    device.ready(timeout_s=60)
    print(device.state.value)
    device.queue.add(track)
    device.settled(timeout_s=60)
"""


class HandTurned(SystemDeviceClock):
    """A device's clock whose hours pass when a test says so. Devices of one moment are told apart by no clock that is
    measured over a network: its error is half a round trip."""

    def __init__(self, *, wrong_ms: int = 0) -> None:
        super().__init__()
        self._wrong_ms = wrong_ms
        self._passed_s = 0

    def an_hour_passes(self) -> None:
        self._passed_s += 3_600

    def now_ms(self) -> int:
        return super().now_ms() + self._wrong_ms + 1_000 * self._passed_s

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self._passed_s


_names = (f"listener-{os.getpid()}-{n}" for n in count())


def tokens_of(server: ServerProcess, *devices: str) -> list[str]:
    """Tokens of the devices of a fresh account."""
    return [linked.token for linked in asyncio.run(server.link(next(_names), *devices))]


@asynccontextmanager
async def opened(*devices: Device) -> AsyncIterator[None]:
    """All of them, in step with the server."""
    for device in devices:
        await device.__aenter__()
    try:
        for device in devices:
            await device.ready(timeout_s=TIMEOUT_S)
        yield
    finally:
        for device in devices:
            await device.close()


async def assert_agree(*devices: Device, stream: str = "a:me") -> None:
    """After quiet, all hold what the server holds."""
    for device in devices:
        await device.settled(timeout_s=TIMEOUT_S)
    for device in devices:
        found = await device.verify(stream, timeout_s=TIMEOUT_S)
        assert found.agrees, found
    assert len({device.digest(stream) for device in devices}) == 1


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story, with an end."""
    asyncio.run(asyncio.wait_for(story(), 3 * TIMEOUT_S))


def test_devices_that_speak_different_formats_show_one_truth(server: ServerProcess) -> None:
    phone_token, laptop_token = tokens_of(server, "phone", "laptop")

    async def story() -> None:
        phone = Device(server.ws_url, phone_token, format="json")
        laptop = Device(server.ws_url, laptop_token, format="msgpack")
        async with opened(phone, laptop):
            phone.queue.add("Y", "Z", "W")
            phone.play({"track": "X", "duration_ms": 200_000}, context={"tracks": ["X", "X2"]})
            await laptop.until(lambda: laptop.playback is not None and len(laptop.queue) == 3, timeout_s=TIMEOUT_S)
            laptop.next()
            await phone.until(lambda: phone.queue.tracks == ["Z", "W"], timeout_s=TIMEOUT_S)
            phone.settings.set("theme", {"dark": True, "size": 12})
            phone.library.rate("X", 80)
            laptop.progress.listened("episode 1", 65_000, duration_ms=3_600_000)
            playlist = laptop.create_playlist("mine")
            playlist.add("a", "b", "c")
            await phone.until(lambda: [len(each) for each in phone.playlists] == [3], timeout_s=TIMEOUT_S)
            phone.playlists[0].move(phone.playlists[0].items[2].id, to=0)
            await laptop.until(lambda: playlist.tracks == ["c", "a", "b"], timeout_s=TIMEOUT_S)
            await assert_agree(phone, laptop)
            await assert_agree(phone, laptop, stream=playlist.stream)
            await phone.until(lambda: phone.presence.keys() == {laptop.device_id}, timeout_s=TIMEOUT_S)
            await laptop.until(lambda: laptop.presence.keys() == {phone.device_id}, timeout_s=TIMEOUT_S)

    play(story)


def test_what_is_done_in_a_tunnel_arrives_with_its_true_time_even_from_a_wrong_clock(server: ServerProcess) -> None:
    """Like offline, unlike elsewhere later, sync last: not liked (merge.md section 5). The clock is 3 days off."""
    phone_token, laptop_token = tokens_of(server, "phone", "laptop")

    async def story() -> None:
        way_out = asyncio.Event()
        wrong_clock = HandTurned(wrong_ms=3 * 86_400_000)

        async def through_the_tunnel(url: str, codec: Codec) -> Link:
            if not way_out.is_set():
                raise Unavailable("there is no network here")
            return await connect_websocket(url, codec)

        phone = Device(server.ws_url, phone_token, clock=wrong_clock, connect=through_the_tunnel)
        laptop = Device(server.ws_url, laptop_token)
        async with opened(laptop), phone:
            phone.library.add("tracks", "t1", "t2")
            wrong_clock.an_hour_passes()
            laptop.library.add("tracks", "t1")
            laptop.library.remove("tracks", "t1")
            await laptop.settled(timeout_s=TIMEOUT_S)
            way_out.set()
            phone.hurry()
            await phone.ready(timeout_s=TIMEOUT_S)
            await phone.settled(timeout_s=TIMEOUT_S)
            await laptop.until(lambda: laptop.library.has("tracks", "t2"), timeout_s=TIMEOUT_S)
            assert not laptop.library.has("tracks", "t1")
            await assert_agree(phone, laptop)

    play(story)


def test_through_a_bad_network_and_kills_of_the_server_nothing_is_lost_or_doubled(server: ServerProcess) -> None:
    tokens = tokens_of(server, "phone", "laptop", "speaker")
    tracks_each = 120

    async def write(device: Device, name: str, stream: str) -> None:
        playlist = device.playlist(stream)
        for n in range(tracks_each):
            playlist.add(f"{name}{n}")
            await asyncio.sleep(0.01)

    async def story() -> None:
        faults = Faults(delay_ms_max=10, cut_bytes_mean=8_000, shreds=True)
        async with LossyProxy(server.ws_url, seed=7, faults=faults) as network:
            devices = [Device(network.url, token) for token in tokens]
            async with opened(*devices):
                stream = devices[0].create_playlist("shared by one").stream

                def tracks_of_others() -> int:
                    return sum(not track.startswith("d0-") for track in devices[0].playlist(stream).tracks)

                writing = [asyncio.create_task(write(each, f"d{n}-", stream)) for n, each in enumerate(devices)]
                heard = 0
                for _ in range(2):
                    await devices[0].until(lambda: tracks_of_others() > heard, timeout_s=TIMEOUT_S)  # noqa: B023
                    heard = tracks_of_others()
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                await asyncio.gather(*writing)
                network.mend()
                await assert_agree(*devices, stream=stream)
                await assert_agree(*devices)
                tracks = Counter(devices[0].playlist(stream).tracks)
                assert tracks == {f"d{n}-{k}": 1 for n in range(3) for k in range(tracks_each)}
                assert network.cuts > 0

    play(story)


def test_a_device_that_is_killed_sends_from_its_store_what_it_had_not_sent(
    server: ServerProcess, tmp_path: Path
) -> None:
    (token,) = tokens_of(server, "phone")
    store, stream = str(tmp_path / "phone.db"), "p:killed-and-opened-again"
    told = -1
    for _ in range(3):
        command = [sys.executable, "-c", WRITE_FOR_EVER, server.ws_url, token, store, stream]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(60):
                told = int(process.stdout.readline())
            process.kill()

    async def story() -> None:
        device = Device(server.ws_url, token, store=store)
        device.playlist(stream)
        async with opened(device):
            await assert_agree(device, stream=stream)
            counts = Counter(device.playlist(stream).tracks)
            assert all(counts[f"t{n}"] == 3 for n in range(told + 1)), counts
            assert set(counts.values()) <= {1, 2, 3}

    play(story)


def test_two_processes_on_one_store_act_as_one_device(server: ServerProcess, tmp_path: Path) -> None:
    phone_token, laptop_token = tokens_of(server, "phone", "laptop")
    store = str(tmp_path / "phone.db")

    def add(track: str) -> str:
        command = [sys.executable, "-c", ADD_ONE, server.ws_url, phone_token, store, track]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S).stdout.strip()

    async def story() -> None:
        laptop = Device(server.ws_url, laptop_token)
        async with opened(laptop):
            command = [sys.executable, "-c", HOLD_THE_STORE, server.ws_url, phone_token, store]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:  # noqa: ASYNC220 - starts at once
                assert holder.stdout is not None
                assert await asyncio.to_thread(holder.stdout.readline) == "ready\n"
                assert await asyncio.to_thread(add, "by the second") == "standby"
                await laptop.until(lambda: laptop.queue.tracks == ["by the second"], timeout_s=TIMEOUT_S)
                waiting = Device(server.ws_url, phone_token, store=store)
                async with waiting:
                    await waiting.ready(timeout_s=TIMEOUT_S)
                    assert waiting.state is DeviceState.STANDBY
                    assert waiting.queue.tracks == ["by the second"]
                    laptop.queue.add("by the laptop")
                    await waiting.until(lambda: len(waiting.queue) == 2, timeout_s=TIMEOUT_S)
                    holder.kill()
                    await waiting.until(lambda: waiting.connected, timeout_s=TIMEOUT_S)
                    waiting.queue.add("by the one that took over")
                    await assert_agree(waiting, laptop)
            assert laptop.queue.tracks == ["by the second", "by the laptop", "by the one that took over"]

    play(story)


def test_a_store_that_was_restored_from_a_backup_uses_no_number_twice(server: ServerProcess, tmp_path: Path) -> None:
    phone_token, laptop_token = tokens_of(server, "phone", "laptop")
    store, backup = str(tmp_path / "phone.db"), str(tmp_path / "backup.db")

    async def story() -> None:
        laptop = Device(server.ws_url, laptop_token)
        async with opened(laptop):
            async with opened(Device(server.ws_url, phone_token, store=store)):
                pass
            offline = Device("ws://127.0.0.1:9/v1/sync", phone_token, store=store)
            offline.queue.add("a", "b")
            offline.queue.add("c")
            await offline.close()
            shutil.copy(store, backup)
            phone = Device(server.ws_url, phone_token, store=store)
            async with opened(phone):
                phone.queue.add("d")
                await assert_agree(phone, laptop)
                writer = phone._state.header.writer
            restored = Device(server.ws_url, phone_token, store=backup)
            restored.queue.add("e")
            async with opened(restored):
                await assert_agree(restored, laptop)
                assert restored._state.header.writer != writer
                assert Counter(laptop.queue.tracks) == Counter("abcde")
                restored.queue.add("f")
                await assert_agree(restored, laptop)
                assert sorted(restored.queue.tracks) == list("abcdef")

    play(story)


def test_a_revoked_device_is_told_and_keeps_what_it_could_not_send(server: ServerProcess) -> None:
    (linked,) = asyncio.run(server.link(next(_names), "phone"))

    async def story() -> None:
        phone = Device(server.ws_url, linked.token)
        async with opened(phone):
            async with open_deployment(server.config) as deployment:
                await revoke_device(
                    deployment.accounts, deployment.log, deployment.side_channel, deployment.clock, linked.device
                )
            await phone.until(lambda: phone.state is DeviceState.LOGIN_NEEDED, timeout_s=TIMEOUT_S)
            assert isinstance(phone.error, LoginExpired)
            phone.queue.add("t")
            assert phone.owed == 1

    play(story)


def test_a_control_pressed_in_a_tunnel_does_not_stop_the_room_later(
    server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "CONTROL_VALID_MS", 1)  # an hour passes for the device alone, and not since it heard X
    phone_token, speaker_token = tokens_of(server, "phone", "speaker")

    async def story() -> None:
        async with LossyProxy(server.ws_url, seed=1) as network:
            clock = HandTurned()
            phone, speaker = Device(network.url, phone_token, clock=clock), Device(server.ws_url, speaker_token)
            refused: list[Refusal] = []
            phone.on_refused(refused.append)
            async with opened(phone, speaker):
                speaker.play("X")
                await phone.until(lambda: phone.playback is not None, timeout_s=TIMEOUT_S)
                network.go_away()
                await phone.until(lambda: not phone.connected, timeout_s=TIMEOUT_S)
                phone.pause()
                clock.an_hour_passes()
                network.come_back()
                await phone.until(lambda: bool(refused), timeout_s=TIMEOUT_S)
                assert refused[0].reason == "expired"
                assert phone.playback is not None
                assert phone.playback.playing
                await assert_agree(phone, speaker)

    play(story)


def test_scripts_need_no_event_loop(server: ServerProcess, tmp_path: Path) -> None:
    (token,) = tokens_of(server, "script")
    store = str(tmp_path / "script.db")
    with blocking.Device(server.ws_url, token, store=store) as device:
        device.queue.add("before it is connected")
        device.ready(timeout_s=TIMEOUT_S)
        undo = device.queue.add("after").undo
        device.settled(timeout_s=TIMEOUT_S)
        assert undo is not None
        undo()
        device.settled(timeout_s=TIMEOUT_S)
        assert device.verify(timeout_s=TIMEOUT_S).agrees
        assert device.queue.tracks == ["before it is connected"]
    with blocking.Device("ws://127.0.0.1:9/v1/sync", token, store=store) as device:
        assert device.queue.tracks == ["before it is connected"]
