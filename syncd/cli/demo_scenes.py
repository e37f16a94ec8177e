"""What the three devices of the demo do, and whether they agree in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from syncd.cli.demo_screen import Screen
from syncd.client import Device, NotReady, Playlist, Verified
from syncd.client.link import Link
from syncd.client.websocket_link import connect_websocket
from syncd.errors import Unavailable
from syncd.protocol.client_session import OWN_STREAM
from syncd.protocol.codec import Codec

SCENES: Final = 10
"""How many pauses there are between what happens."""
STEP_TIMEOUT_S: Final = 15.0
"""How long any step may take before the demo gives up."""


class DemoDevice(Device):
    """A device whose connection can be broken and mended."""

    def __init__(self, name: str, url: str, token: str) -> None:
        super().__init__(url, token, client=f"syncd-demo/{name}", connect=self._connect_if_allowed)
        self.name = name
        self._is_cut = False
        self._link: Link | None = None

    async def go_offline(self) -> None:
        """Break the connection, and let no other come up."""
        self._is_cut = True
        if self._link is not None:
            await self._link.close()
        await self.until(lambda: not self.connected, timeout_s=STEP_TIMEOUT_S)

    async def come_back(self) -> None:
        """Let it connect again, and wait until it has."""
        self._is_cut = False
        self.hurry()
        await self.until(lambda: self.connected, timeout_s=STEP_TIMEOUT_S)

    async def _connect_if_allowed(self, url: str, codec: Codec) -> Link:
        if self._is_cut:
            raise Unavailable("no network")
        self._link = await connect_websocket(url, codec)
        return self._link


@dataclass(frozen=True, slots=True)
class Agreement:
    """How it ended: for each device, in its own order, a comparison of each stream with the server's."""

    devices: dict[str, list[Verified]]
    queue: list[str]
    playlist: list[str]

    @property
    def agree(self) -> bool:
        """Whether every device holds what the server holds."""
        return all(found.agrees for streams in self.devices.values() for found in streams)

    def lines(self) -> list[str]:
        """The outcome, for people."""
        if self.agree:
            digests = {found.stream: found.theirs for streams in self.devices.values() for found in streams}
            told = ", ".join(f"{_called(stream)} {digest}" for stream, digest in digests.items())
            return [f"{', '.join(self.devices)} and the server agree: {told}"]
        return [
            f"{name} differs: {_called(found.stream)} is {found.ours}, at the server {found.theirs}"
            for name, streams in self.devices.items()
            for found in streams
            if not found.agrees
        ]

    def document(self) -> dict[str, object]:
        """The outcome, for programs."""
        return {
            "agree": self.agree,
            "devices": {
                name: {found.stream: found.ours for found in streams} for name, streams in self.devices.items()
            },
            "server": {found.stream: found.theirs for streams in self.devices.values() for found in streams},
            "queue": self.queue,
            "playlist": self.playlist,
        }


class Scenes:
    """The script."""

    def __init__(self, devices: list[DemoDevice], screen: Screen, *, seconds: float) -> None:
        self._devices = devices
        self._screen = screen
        self._pause_s = seconds / SCENES

    async def play(self) -> Agreement:
        """From the first connection to the comparison.

        Raises:
            Unavailable: something did not happen in time.
        """
        phone, laptop, speaker = self._devices
        try:
            for device in self._devices:
                await device.ready(timeout_s=STEP_TIMEOUT_S)
            await self._tell("phone, laptop and speaker are connected")

            phone.play("Aria", context={"tracks": ["Aria", "Variation 1", "Variation 2", "Variation 3"]})
            await self._tell("the phone plays", lambda each: each.playback is not None)

            laptop.queue.add("Sarabande", "Gigue", "Chaconne")
            await self._tell("the laptop adds three tracks to the queue", lambda each: len(each.queue) == 3)

            phone.transfer(speaker.device_id)
            await self._tell("the phone hands over to the speaker", lambda each: _plays_on(each, speaker))

            playlist = laptop.create_playlist("Evening")
            playlist.add("Nocturne", "Berceuse", "Barcarolle")
            await self._tell("the laptop makes a playlist", lambda each: _playlists(each) == {"Evening": 3})

            await phone.go_offline()
            await self._tell("the phone enters a tunnel: its connection is broken")

            mine = phone.playlist(playlist.id)
            phone.queue.play_next("Allemande")
            mine.move(mine.items[2].id, to=0)
            mine.rename("Late evening")
            await self._tell("in the tunnel, the phone adds a track to play next, and changes the playlist")

            laptop.queue.remove(laptop.queue.items[1].id)
            playlist.add("Lullaby")
            speaker.next()
            await self._tell("meanwhile the laptop removes and adds, and the speaker skips")

            await phone.come_back()
            await self._tell(
                "the phone is back", lambda each: each.owed == 0 and _playlists(each) == {"Late evening": 4}
            )
            return await self._agreement(playlist)
        except TimeoutError as error:
            raise NotReady(f"the last step took longer than {STEP_TIMEOUT_S:g} s: {self._errors()}") from error

    async def _tell(self, what: str, happened: Callable[[Device], bool] = lambda each: True) -> None:
        """Say what was done, wait until it has happened on every device, and leave time to look."""
        self._screen.tell(what)
        for device in self._devices:
            await device.until(partial(happened, device), timeout_s=STEP_TIMEOUT_S)
        await asyncio.sleep(self._pause_s)

    async def _agreement(self, playlist: Playlist) -> Agreement:
        found: dict[str, list[Verified]] = {}
        for device in self._devices:
            streams = (OWN_STREAM, playlist.stream)
            found[device.name] = [await device.verify(stream, timeout_s=STEP_TIMEOUT_S) for stream in streams]
        return Agreement(found, self._devices[0].queue.tracks, playlist.tracks)

    def _errors(self) -> str:
        errors = [f"{device.name}: {device.error}" for device in self._devices if device.error is not None]
        return "; ".join(errors) or "no device knows why"


def _plays_on(device: Device, target: Device) -> bool:
    """Whether a device shows that the target plays."""
    return device.playback is not None and device.playback.device == target.device_id


def _playlists(device: Device) -> dict[str | None, int]:
    """Name and length of the playlists that a device shows."""
    return {playlist.name: len(playlist) for playlist in device.playlists}


def _called(stream: str) -> str:
    return "account" if stream == OWN_STREAM else "playlist"
