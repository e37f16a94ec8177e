"""What is written when the event loop's turn ends.

A write costs the kernel more than everything that led to it, and after a commit one connection may be owed an ack and
several deltas: they leave in one write. The loop's own transports write at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.push.sink import Sink


class Turn:
    """Of one gateway.

    Attributes:
        deltas: the sinks whose `first` is framed; with `acks` every sink that has something waiting, each once.
        acks: those whose `first` is an ack that has to be framed yet.
    """

    __slots__ = ("_first", "_is_armed", "acks", "deltas")

    def __init__(self) -> None:
        self.deltas: list[Sink] = []
        self.acks: list[Sink] = []
        self._first: list[Callable[[], None]] = []
        self._is_armed = False

    def first(self, step: Callable[[], None]) -> None:
        """Take a step when the turn ends, before anything is written: it may have more to join."""
        self._first.append(step)
        self.arm()

    def arm(self) -> None:
        """End it with the loop's turn, unless somebody does so before."""
        if not self._is_armed:
            self._is_armed = True
            asyncio.get_running_loop().call_soon(self._over)

    def end(self) -> None:
        """Write what waits. Nothing is lost by calling it too early, or twice."""
        if self._first:
            steps, self._first = self._first, []
            for step in steps:
                step()
        # Whoever fans out holds the lists: they are emptied, not replaced. A write may bring the loop to call back.
        deltas, acks = self.deltas.copy(), self.acks.copy()
        self.deltas.clear()
        self.acks.clear()
        for sink in deltas:
            first, sink.first = sink.first, None
            if sink.rest is None:
                sink.put(first)  # type: ignore[arg-type]  # it is framed: see `deltas`
            else:
                sink.put_all(first)  # type: ignore[arg-type]  # something waits, or it would not be here
        for sink in acks:
            first, sink.first = sink.first, None
            if sink.rest is None:
                sink.put(sink.codec.framed(first))
            else:
                sink.put_all(first)  # type: ignore[arg-type]

    def _over(self) -> None:
        self._is_armed = False
        self.end()
