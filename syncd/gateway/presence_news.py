"""What this gateway tells the others of who is here: gathered for a moment, and sent in few messages.

The first news after a pause go at once; what comes while they are sent, or within `GATHER_S`, goes together, of each
device only the latest. A side channel that is down loses them: who is here is repeated anyway, who left dies by time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress

import msgspec

from syncd.limits import SIDE_CHANNEL_BYTES_MAX
from syncd.store.port import SideChannel

TOPIC = "presence"
GATHER_S = 0.05
"""Between two rounds: 20 a second are quick enough for eyes, however many devices come in a storm."""
ROUND_TIMEOUT_S = 10.0
"""For one round; what is not out by then is old news. As long as the time between two repeats."""
CLOSE_TIMEOUT_S = 1.0

_encoder = msgspec.json.Encoder()
Key = tuple[str, str]
"""(stream, device)"""


class Said(msgspec.Struct, frozen=True):
    """One message between gateways: devices of account streams, here or gone."""

    gateway: str
    online: bool
    devices: list[tuple[str, str, int]]
    """(stream, device, since_ms)"""


class PresenceNews:
    """See the module's first lines. `gateway`: this process's id."""

    def __init__(self, side_channel: SideChannel, *, gateway: str) -> None:
        self._side_channel = side_channel
        self._gateway = gateway
        self._waiting: dict[Key, tuple[bool, int]] = {}
        self._sending: asyncio.Task[None] | None = None
        self._closed = False

    def tell(self, key: Key, *, online: bool, since_ms: int) -> None:
        """Tell the others soon."""
        self._waiting[key] = (online, since_ms)
        if self._sending is None and not self._closed:
            self._sending = asyncio.get_running_loop().create_task(self._send(), name="presence-news")

    async def close(self) -> None:
        """Send what is left, if the side channel takes it soon; nothing more is told afterwards."""
        self._closed = True
        sending = self._sending
        if sending is not None:
            await asyncio.wait({sending}, timeout=CLOSE_TIMEOUT_S)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                with suppress(TimeoutError):
                    async with asyncio.timeout(ROUND_TIMEOUT_S):
                        for payload in self._payloads(waiting):
                            await self._side_channel.publish(TOPIC, payload)
                await asyncio.sleep(GATHER_S)
        finally:
            self._sending = None

    def _payloads(self, waiting: Mapping[Key, tuple[bool, int]]) -> Iterator[str]:
        """As few messages as they fit in."""
        for wanted in (False, True):
            devices = [(*key, since_ms) for key, (online, since_ms) in waiting.items() if online is wanted]
            if not devices:
                continue
            envelope_bytes = len(_encoder.encode(Said(self._gateway, wanted, [])))
            start, size = 0, envelope_bytes
            lines = _encoder.encode_lines(devices).split(b"\n")  # where one ends, since no text holds a bare newline
            for index, device_bytes in enumerate(map(len, lines[:-1])):
                size += device_bytes + 1
                if size > SIDE_CHANNEL_BYTES_MAX and index > start:
                    yield self._payload(wanted, devices[start:index])
                    start, size = index, envelope_bytes + device_bytes + 1
            yield self._payload(wanted, devices[start:])

    def _payload(self, online: bool, devices: list[tuple[str, str, int]]) -> str:
        return _encoder.encode(Said(self._gateway, online, devices)).decode()
