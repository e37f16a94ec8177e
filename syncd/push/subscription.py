"""One connection's interest in one stream.

    CATCHING_UP --served--> LIVE --outbox full, cells rebuilt--> BEHIND --drained--> CATCHING_UP
    VIEWING      a small device: gets whole views instead of deltas
         (any) --unsubscribed, closed, role lost--> ENDED

Only LIVE subscriptions get live deltas. Who is BEHIND has kept nothing but the offset where it stopped.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from syncd.push.sink import Sink

if TYPE_CHECKING:
    from syncd.push.hub import Channel


class SubscriptionState(Enum):
    CATCHING_UP = "catching up"
    LIVE = "live"
    BEHIND = "behind"
    VIEWING = "viewing"
    ENDED = "ended"


LIVE = SubscriptionState.LIVE


class Subscription:
    """See the module's picture.

    Attributes:
        generation: of the stream, when the cells were read that this reader holds.
        device: whose connection it is.
        offset: means something only while BEHIND: everything below it was sent.
        told: number of the newest news of who is online that it knows; -1 until it was told who is there at all.
    """

    __slots__ = ("_state", "channel", "device", "generation", "offset", "sink", "told")

    def __init__(self, channel: Channel, sink: Sink, device: str) -> None:
        self.channel = channel
        self.device = device
        self.generation = channel.generation
        self.sink = sink
        self._state = SubscriptionState.CATCHING_UP
        self.offset = 0
        self.told = -1

    @property
    def state(self) -> SubscriptionState:
        """Its channel keeps the sinks of those that are LIVE at hand, so every change passes here."""
        return self._state

    @state.setter
    def state(self, state: SubscriptionState) -> None:
        was, self._state = self._state, state
        if state is LIVE and was is not LIVE:
            self.channel.listeners += (self.sink,)
        elif was is LIVE and state is not LIVE:
            self.channel.listeners = tuple(sink for sink in self.channel.listeners if sink is not self.sink)
