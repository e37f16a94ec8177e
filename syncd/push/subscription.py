"""One connection's interest in one stream.

    CATCHING_UP --served--> LIVE --outbox full, cells rebuilt--> BEHIND --drained--> CATCHING_UP
    VIEWING      a small device: gets whole views instead of deltas
         (any) --unsubscribed, closed, role lost--> ENDED

Only LIVE subscriptions get live deltas. Who is BEHIND has kept nothing but the offset where it stopped.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from syncd.protocol.codec import Codec

if TYPE_CHECKING:
    from syncd.push.hub import Channel


class SubscriptionState(Enum):
    CATCHING_UP = "catching up"
    LIVE = "live"
    BEHIND = "behind"
    VIEWING = "viewing"
    ENDED = "ended"


LIVE = SubscriptionState.LIVE


class Sink(Protocol):
    """What push needs of a connection."""

    codec: Codec

    @property
    def congested(self) -> bool:
        """Whether the reader is behind; then nothing but acks may wait for it."""

    def write(self, framed: bytes) -> None:
        """Hand one framed message to the transport. Never blocks; may turn `congested`."""

    def join(self, framed: bytes) -> None:
        """As `write`, when the loop's turn ends: in one write with what else comes until then."""

    async def drained(self) -> None:
        """Return when not congested. Raises `ConnectionError` once the connection is gone."""


class Subscription:
    """See the module's picture.

    Attributes:
        generation: of the stream, when the cells were read that this reader holds.
        device: whose connection it is.
        offset: means something only while BEHIND: everything below it was sent.
        told: number of the newest news of who is online that it knows; -1 until it was told who is there at all.
    """

    __slots__ = ("channel", "device", "generation", "offset", "sink", "state", "told")

    def __init__(self, channel: Channel, sink: Sink, device: str) -> None:
        self.channel = channel
        self.device = device
        self.generation = channel.generation
        self.sink = sink
        self.state = SubscriptionState.CATCHING_UP
        self.offset = 0
        self.told = -1
