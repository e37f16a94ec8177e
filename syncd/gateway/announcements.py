"""Telling who listens that a device came or went: gathered for a moment, and encoded once for all of a wire format.

When a gateway's devices come back, all of an account's arrive together; told at once, each would wake each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from syncd.protocol.codec import Codec
from syncd.protocol.messages import Presence
from syncd.push.hub import Channel, Hub
from syncd.push.subscription import Subscription, SubscriptionState
from syncd.push.turn import Turn

GATHER_S = 0.02
"""Nobody sees it, and most of a household is back by then."""


class Announcements:
    """Of one gateway.

    Args:
        online: who is there, of a stream.
    """

    def __init__(self, hub: Hub, turn: Turn, *, online: Callable[[str], Iterable[Presence]]) -> None:
        self._hub = hub
        self._turn = turn
        self._online = online
        self._waiting: dict[str, dict[str, tuple[int, Presence]]] = {}
        self._newcomers: dict[Channel, list[Subscription]] = {}
        self._number = 0

    def tell(self, presence: Presence) -> None:
        """Tell soon; of a device that comes and goes meanwhile only what is true in the end."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(GATHER_S, self._send)
        self._number = number = self._number + 1
        news = self._waiting.get(presence.stream)
        if news is None:
            news = self._waiting[presence.stream] = {}
        news[presence.device] = (number, presence)

    def greet(self, subscription: Subscription) -> None:
        """Tell a new subscriber of all who are online when the turn ends: those who come with it are no news to it, and
        it hears of them in the write that brings what it missed. Until then it is told nothing."""
        if not self._newcomers:
            self._turn.first(self._greet_all)
        self._newcomers.setdefault(subscription.channel, []).append(subscription)

    def knows(self, subscription: Subscription) -> None:
        """It knows by other means who is online; only changes are news to it."""
        subscription.told = self._number

    def _greet_all(self) -> None:
        newcomers, self._newcomers = self._newcomers, {}
        for channel, subscriptions in newcomers.items():
            online = self._online(channel.stream)
            framed: dict[Codec, list[tuple[str, bytes]]] = {}
            for subscription in subscriptions:
                subscription.told = self._number
                sink = subscription.sink
                if subscription.state is SubscriptionState.ENDED or sink.congested:
                    continue
                codec = sink.codec
                if codec not in framed:
                    framed[codec] = [(one.device, codec.framed(one)) for one in online]
                # Nobody needs to be told of themselves.
                others = [each for device, each in framed[codec] if device != subscription.device]
                if others:
                    sink.join(b"".join(others))

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for stream, news in waiting.items():
            channel = self._hub.channels.get(stream)
            if channel is None:
                continue
            newest = max(number for number, _ in news.values())
            framed: dict[Codec, list[tuple[int, str, bytes]]] = {}
            for subscription in tuple(channel.subscriptions):
                told, sink = subscription.told, subscription.sink
                if told < 0 or told >= newest or sink.congested:
                    continue
                codec, device = sink.codec, subscription.device
                if codec not in framed:
                    framed[codec] = [(number, name, codec.framed(one)) for name, (number, one) in news.items()]
                others = [each for number, name, each in framed[codec] if number > told and name != device]
                if others:
                    sink.write(b"".join(others))
