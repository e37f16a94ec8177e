"""What is written when the event loop's turn ends.

A write costs the kernel more than everything that led to it, and after a commit one connection may be owed an ack and
several deltas: they leave in one write. The loop's own transports write at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Flushed(Protocol):
    """What holds something back until the turn ends."""

    def flush(self) -> None:
        """Write it."""


class Turn:
    """Of one gateway."""

    __slots__ = ("_first", "_waiting")

    def __init__(self) -> None:
        self._first: list[Callable[[], None]] = []
        self._waiting: list[Flushed] = []

    def add(self, outbox: Flushed) -> None:
        """Flush it at the latest when the turn ends."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.end)
        self._waiting.append(outbox)

    def first(self, step: Callable[[], None]) -> None:
        """Take a step when the turn ends, before anything is flushed: it may have more to join."""
        self._first.append(step)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.end)

    def end(self) -> None:
        """Flush all of them. Nothing is lost by calling it too early, or twice."""
        if self._first:
            steps, self._first = self._first, []
            for step in steps:
                step()
        waiting, self._waiting = self._waiting, []
        for outbox in waiting:
            outbox.flush()
