"""What changed, as a device tells those who listen to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.model.cells import Cell
from syncd.protocol.messages import By, Nack


@dataclass(frozen=True, slots=True)
class Change:
    """Cells of one stream show differently from now on.

    Attributes:
        stream: `a:me`, or `p:<playlist>`.
        cells: by key, as they show now; None where nothing shows any more.
        by: who did it, where one event of somebody else stands behind it. None for own events, catch-ups, snapshots.
    """

    stream: str
    cells: Mapping[str, Cell | None]
    by: By | None = None

    @property
    def areas(self) -> frozenset[str]:
        """The things concerned, by the first word of their keys: "queue", "items", "play", "library", "settings", …"""
        return frozenset(key.partition("/")[0] for key in self.cells)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An own event was refused for good; what it had changed on this device is taken back.

    Attributes:
        reason: see `protocol.messages.Nack`: "expired", "forbidden", "invalid", "limit", "orphan".
        reissued: whether it was made again in a form that fits, as lists can be; then nothing is lost.
    """

    stream: str
    kind: str
    reason: str
    message: str
    reissued: bool = False

    @staticmethod
    def of(nack: Nack, kind: str, *, reissued: bool) -> Refusal:
        """The refusal of an event of this kind."""
        return Refusal(nack.stream, kind, nack.reason, nack.message, reissued)
