"""Telling who listens that a device came or went: gathered for a moment, and encoded once for all of a wire format.

When a gateway's devices come back, all of an account's arrive together; told at once, each would wake each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from syncd.protocol.codec import Codec
from syncd.protocol.messages import Presence
from syncd.push.hub import Hub
from syncd.push.subscription import Sink, Subscription

GATHER_S = 0.02
"""Nobody sees it, and most of a household is back by then."""


class Announcements:
    """Of one gateway.

    Args:
        device_of: whose connection it is; None once it is gone.
    """

    def __init__(self, hub: Hub, *, device_of: Callable[[Sink], str | None]) -> None:
        self._hub = hub
        self._device_of = device_of
        self._waiting: dict[str, dict[str, tuple[int, Presence]]] = {}
        self._number = 0

    def tell(self, presence: Presence) -> None:
        """Tell soon; of a device that comes and goes meanwhile only what is true in the end."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(GATHER_S, self._send)
        self._number += 1
        self._waiting.setdefault(presence.stream, {})[presence.device] = (self._number, presence)

    def greet(self, subscription: Subscription, online: Iterable[Presence]) -> None:
        """Tell a new subscriber at once of all who are online. Until then it is told nothing."""
        sink = subscription.sink
        device, codec = self._device_of(sink), sink.codec
        others = [codec.framed(one) for one in online if one.device != device]
        if others and not sink.congested:
            sink.write(b"".join(others))
        subscription.told = self._number

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for stream, news in waiting.items():
            channel = self._hub.channels.get(stream)
            framed: dict[Codec, list[tuple[int, str, bytes]]] = {}
            for subscription in () if channel is None else tuple(channel.subscriptions):
                sink = subscription.sink
                device = self._device_of(sink)
                if device is None or sink.congested or subscription.told < 0:
                    continue
                if sink.codec not in framed:
                    framed[sink.codec] = _framed(news, sink.codec)
                # Nobody needs to be told of themselves.
                others = [
                    each for number, name, each in framed[sink.codec] if number > subscription.told and name != device
                ]
                if others:
                    sink.write(b"".join(others))


def _framed(news: dict[str, tuple[int, Presence]], codec: Codec) -> list[tuple[int, str, bytes]]:
    """(number, device, message) of each."""
    return [(number, device, codec.framed(presence)) for device, (number, presence) in news.items()]
