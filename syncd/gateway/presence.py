"""Which devices are here now. Never in the log; dies by time when a gateway dies.

Each gateway counts its own connections per device and tells the others (`PresenceNews`), again every `REFRESH_S`; what
another gateway said is forgotten after `EXPIRE_S` of silence.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from syncd.clock import Clock
from syncd.gateway.presence_news import TOPIC, Key, PresenceNews, Said
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
        self._here: Counter[Key] = Counter()
        self._since: dict[Key, int] = {}
        self._elsewhere: dict[Key, dict[str, _Seen]] = {}
        self._devices: dict[str, dict[str, None]] = {}
        side_channel.listen(TOPIC, self._heard)

    def online(self, stream: str) -> list[Presence]:
        """Every device of the stream that is online, for a new subscriber."""
        devices = self._devices.get(stream, ())
        return [Presence(stream, device, True, self._since_ms((stream, device))) for device in devices]

    def arrived(self, stream: str, device: str) -> None:
        """A connection of the device became live here."""
        key = (stream, device)
        was_online = self._is_online(key)
        self._here[key] += 1
        if self._here[key] == 1:
            self._since[key] = self._clock.now_ms()
            self._news.tell(key, online=True, since_ms=self._since[key])
        if not was_online:
            self._change(key, online=True, since_ms=self._since_ms(key))

    def left(self, stream: str, device: str) -> None:
        """A live connection of the device closed here."""
        key = (stream, device)
        self._here[key] -= 1
        if self._here[key] > 0:
            return
        del self._here[key]
        since_ms = self._since.pop(key)
        self._news.tell(key, online=False, since_ms=since_ms)
        if not self._is_online(key):
            self._change(key, online=False, since_ms=since_ms)

    async def run(self) -> None:
        """Repeat who is here and forget who was not repeated, until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_S)
            self.repeat()
            self.expire()

    def repeat(self) -> None:
        """Tell the other gateways of every device that is connected here."""
        for key, since_ms in self._since.items():
            self._news.tell(key, online=True, since_ms=since_ms)

    async def close(self) -> None:
        """Tell the others what they do not know yet."""
        await self._news.close()

    def _is_online(self, key: Key) -> bool:
        return key in self._here or key in self._elsewhere

    def _since_ms(self, key: Key) -> int:
        here = self._since.get(key)
        if here is not None:
            return here
        return min(seen.since_ms for seen in self._elsewhere[key].values())

    def _heard(self, payload: str) -> None:
        try:
            said = msgspec.json.decode(payload, type=Said)
        except msgspec.DecodeError as error:
            log.warning("presence_unreadable", error=str(error))
            return
        if said.gateway == self._gateway:
            return
        for stream, device, since_ms in said.devices:
            key = (stream, device)
            was_online = self._is_online(key)
            if said.online:
                expires_s = self._clock.monotonic_s() + EXPIRE_S
                self._elsewhere.setdefault(key, {})[said.gateway] = _Seen(since_ms, expires_s)
                if not was_online:
                    self._change(key, online=True, since_ms=since_ms)
            else:
                self._forget(key, said.gateway)

    def expire(self) -> None:
        """Forget what was not repeated in time."""
        now_s = self._clock.monotonic_s()
        for key, gateways in list(self._elsewhere.items()):
            for gateway, seen in list(gateways.items()):
                if seen.expires_s < now_s:
                    self._forget(key, gateway)

    def _forget(self, key: Key, gateway: str) -> None:
        gateways = self._elsewhere.get(key)
        if gateways is None or gateway not in gateways:
            return
        since_ms = gateways.pop(gateway).since_ms
        if not gateways:
            del self._elsewhere[key]
            if key not in self._here:
                self._change(key, online=False, since_ms=since_ms)

    def _change(self, key: Key, *, online: bool, since_ms: int) -> None:
        stream, device = key
        if online:
            self._devices.setdefault(stream, {})[device] = None
        else:
            devices = self._devices[stream]
            del devices[device]
            if not devices:
                del self._devices[stream]
        self._announce(Presence(stream, device, online, since_ms))
