"""What is written when the event loop's turn ends.

A write costs the kernel more than everything that led to it, and after a commit one connection may be owed an ack and
several deltas: they leave in one write. The loop's own transports write at once. And whoever has much to tell encodes
all of it before the first write: after a call to the kernel, little of ours is left in the processor's caches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.push.sink import Sink


class Turn:
    """Of one gateway.

    Attributes:
        ready: (sink, framed messages) that nothing will follow: each is a write. Comes before what waits.
        waiting: the sinks that have something waiting which is framed already.
        acking: those that have an ack waiting, or had. A sink may stand in both, and more than once.
        waiting_bytes: of what was published, and waits.
        is_held: whether more will come for anybody: then what could leave at once waits, too.
    """

    __slots__ = ("_first", "_is_armed", "acking", "is_held", "ready", "waiting", "waiting_bytes")

    def __init__(self) -> None:
        self.ready: list[tuple[Sink, bytes]] = []
        self.waiting: list[Sink] = []
        self.acking: list[Sink] = []
        self.waiting_bytes = 0
        self.is_held = False
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

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let everything wait that is published meanwhile, within the bound."""
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = False
            self.end()

    def end(self) -> None:
        """Write what waits. Nothing is lost by calling it too early, or twice."""
        if self._first:
            steps, self._first = self._first, []
            for step in steps:
                step()
        # Whoever fans out holds the lists: they are emptied, not replaced.
        ready, waiting, acking = self.ready.copy(), self.waiting.copy(), self.acking.copy()
        self.ready.clear()
        self.waiting.clear()
        self.acking.clear()
        self.waiting_bytes = 0
        for sink, framed in ready:
            sink.put(framed)
        for sink in acking:
            if sink.pieces is not None:
                sink.put_pieces()
        for sink in waiting:
            pieces = sink.pieces
            if pieces is not None:
                sink.pieces = None
                sink.put(b"".join(pieces))  # type: ignore[arg-type]  # none is an ack: those were flushed

    def _over(self) -> None:
        self._is_armed = False
        self.end()
