"""Which devices are here now. Never in the log; dies by time when a gateway dies.

Each gateway counts its own connections per device and tells the others (`PresenceNews`), again every `REFRESH_S`; what
another gateway said is forgotten after `EXPIRE_S` of silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from syncd.clock import Clock
from syncd.gateway.presence_news import TOPIC, PresenceNews, Said
from syncd.logs import get_logger
from syncd.protocol.messages import Presence
from syncd.store.port import SideChannel

log = get_logger("gateway")

REFRESH_S = 10.0
"""How often a gateway repeats who is connected to it."""
EXPIRE_S = 25.0
"""After two missed repeats a device that another gateway named counts as gone."""


@dataclass(slots=True)
class _Seen:
    since_ms: int
    expires_s: float


@dataclass(slots=True)
class _Device:
    """A device that is online somewhere.

    Attributes:
        told: what a new subscriber is told of it.
        here: its connections to this gateway.
        elsewhere: which other gateways named it; None is none.
    """

    told: Presence
    here: int = 0
    elsewhere: dict[str, _Seen] | None = None


class PresenceBoard:
    """Who is online, anywhere.

    Args:
        gateway: this process's id.
        announce: called with every change, to be sent to the stream's subscribers here.
    """

    def __init__(
        self, side_channel: SideChannel, clock: Clock, *, gateway: str, announce: Callable[[Presence], None]
    ) -> None:
        self._news = PresenceNews(side_channel, gateway=gateway)
        self._clock = clock
        self._gateway = gateway
        self._announce = announce
        self._devices: dict[str, dict[str, _Device]] = {}
        """By stream; those that are online, and no others."""
        side_channel.listen(TOPIC, self._heard)

    def online(self, stream: str) -> list[Presence]:
        """Every device of the stream that is online, for a new subscriber."""
        return [device.told for device in self._devices.get(stream, {}).values()]

    def arrived(self, stream: str, device: str) -> None:
        """A connection of the device became live here."""
        known = self._known(stream, device)
        if known is not None and known.here > 0:
            known.here += 1
            return
        told = Presence(stream, device, True, self._clock.now_ms())
        if known is None:
            self._came(told).here = 1
        else:
            known.told, known.here = told, 1
        self._news.tell((stream, device), online=True, since_ms=told.since_ms)

    def left(self, stream: str, device: str) -> None:
        """A live connection of the device closed here."""
        known = self._devices[stream][device]
        known.here -= 1
        if known.here > 0:
            return
        self._news.tell((stream, device), online=False, since_ms=known.told.since_ms)
        if known.elsewhere is None:
            self._went(known.told)
        else:
            known.told = _since(known.told, known.elsewhere)

    async def run(self) -> None:
        """Repeat who is here and forget who was not repeated, until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_S)
            self.repeat()
            self.expire()

    def repeat(self) -> None:
        """Tell the other gateways of every device that is connected here."""
        for stream, devices in self._devices.items():
            for device, known in devices.items():
                if known.here > 0:
                    self._news.tell((stream, device), online=True, since_ms=known.told.since_ms)

    async def close(self) -> None:
        """Tell the others what they do not know yet."""
        await self._news.close()

    def expire(self) -> None:
        """Forget what was not repeated in time."""
        now_s = self._clock.monotonic_s()
        expired = [
            (known, gateway)
            for devices in self._devices.values()
            for known in devices.values()
            if known.elsewhere is not None
            for gateway, seen in known.elsewhere.items()
            if seen.expires_s < now_s
        ]
        for known, gateway in expired:
            self._forget(known, gateway)

    def _known(self, stream: str, device: str) -> _Device | None:
        devices = self._devices.get(stream)
        return None if devices is None else devices.get(device)

    def _heard(self, payload: str) -> None:
        try:
            said = msgspec.json.decode(payload, type=Said)
        except msgspec.DecodeError as error:
            log.warning("presence_unreadable", error=str(error))
            return
        if said.gateway == self._gateway:
            return
        for stream, device, since_ms in said.devices:
            known = self._known(stream, device)
            if said.online:
                self._named(known or self._came(Presence(stream, device, True, since_ms)), said.gateway, since_ms)
            elif known is not None:
                self._forget(known, said.gateway)

    def _named(self, known: _Device, gateway: str, since_ms: int) -> None:
        if known.elsewhere is None:
            known.elsewhere = {}
        known.elsewhere[gateway] = _Seen(since_ms, self._clock.monotonic_s() + EXPIRE_S)
        if known.here == 0:
            known.told = _since(known.told, known.elsewhere)

    def _forget(self, known: _Device, gateway: str) -> None:
        if known.elsewhere is None or gateway not in known.elsewhere:
            return
        gone = known.elsewhere.pop(gateway)
        if known.elsewhere:
            if known.here == 0:
                known.told = _since(known.told, known.elsewhere)
            return
        known.elsewhere = None
        if known.here == 0:
            self._went(replace(known.told, since_ms=gone.since_ms))

    def _came(self, told: Presence) -> _Device:
        """It is online, and was not."""
        devices = self._devices.get(told.stream)
        if devices is None:
            devices = self._devices[told.stream] = {}
        known = devices[told.device] = _Device(told)
        self._announce(told)
        return known

    def _went(self, told: Presence) -> None:
        """It is not online any more."""
        devices = self._devices[told.stream]
        del devices[told.device]
        if not devices:
            del self._devices[told.stream]
        self._announce(replace(told, online=False))


def _since(told: Presence, elsewhere: dict[str, _Seen]) -> Presence:
    """The same of a device that is not here: since when the first of the gateways has it that named it."""
    return replace(told, since_ms=min(seen.since_ms for seen in elsewhere.values()))
