"""Which devices are here now. Never in the log; dies by time when a gateway dies.

Each gateway counts its own connections per device and tells the others through the side channel, again every
`REFRESH_S`; what another gateway said is forgotten after `EXPIRE_S` of silence.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from syncd.clock import Clock
from syncd.logs import get_logger
from syncd.protocol.messages import Presence
from syncd.store.port import SideChannel

log = get_logger("gateway")

TOPIC = "presence"
REFRESH_S = 10.0
"""How often a gateway repeats who is connected to it."""
EXPIRE_S = 25.0
"""After two missed repeats a device that another gateway named counts as gone."""
DEVICES_PER_MESSAGE = 50
"""Keeps a message of the side channel below 4,000 bytes."""


class _Said(msgspec.Struct, frozen=True):
    """What gateways tell each other: devices of account streams, here or gone."""

    gateway: str
    online: bool
    devices: list[tuple[str, str, int]]
    """(stream, device, since_ms)"""


@dataclass(slots=True)
class _Seen:
    since_ms: int
    expires_s: float


class PresenceBoard:
    """Who is online, of the account streams that have a listener or a device here.

    Args:
        gateway: this process's id.
        announce: called with every change, to be sent to the stream's subscribers here.
    """

    def __init__(
        self, side_channel: SideChannel, clock: Clock, *, gateway: str, announce: Callable[[Presence], None]
    ) -> None:
        self._side_channel = side_channel
        self._clock = clock
        self._gateway = gateway
        self._announce = announce
        self._here: Counter[tuple[str, str]] = Counter()
        self._since: dict[tuple[str, str], int] = {}
        self._elsewhere: dict[tuple[str, str], dict[str, _Seen]] = {}
        self._devices: dict[str, dict[str, None]] = {}
        self._sending: set[asyncio.Task[None]] = set()
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
            self._tell(online=True, keys=[key])
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
        self._tell(online=False, keys=[key])
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
        keys = list(self._here)
        for start in range(0, len(keys), DEVICES_PER_MESSAGE):
            self._tell(online=True, keys=keys[start : start + DEVICES_PER_MESSAGE])

    def _is_online(self, key: tuple[str, str]) -> bool:
        return key in self._here or key in self._elsewhere

    def _since_ms(self, key: tuple[str, str]) -> int:
        here = self._since.get(key)
        if here is not None:
            return here
        return min(seen.since_ms for seen in self._elsewhere[key].values())

    def _tell(self, *, online: bool, keys: list[tuple[str, str]]) -> None:
        now_ms = self._clock.now_ms()
        said = _Said(self._gateway, online, [(s, d, self._since.get((s, d), now_ms)) for s, d in keys])
        task = asyncio.get_running_loop().create_task(
            self._side_channel.publish(TOPIC, msgspec.json.encode(said).decode())
        )
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _heard(self, payload: str) -> None:
        try:
            said = msgspec.json.decode(payload, type=_Said)
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

    def _forget(self, key: tuple[str, str], gateway: str) -> None:
        gateways = self._elsewhere.get(key)
        if gateways is None or gateway not in gateways:
            return
        since_ms = gateways.pop(gateway).since_ms
        if not gateways:
            del self._elsewhere[key]
            if key not in self._here:
                self._change(key, online=False, since_ms=since_ms)

    def _change(self, key: tuple[str, str], *, online: bool, since_ms: int) -> None:
        stream, device = key
        if online:
            self._devices.setdefault(stream, {})[device] = None
        else:
            devices = self._devices[stream]
            del devices[device]
            if not devices:
                del self._devices[stream]
        self._announce(Presence(stream, device, online, since_ms))
