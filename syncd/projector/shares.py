"""How workers share the partitions of a log among them.

A share is advice and nothing else: it spreads work. Who folds a partition is decided by its lease alone.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class Shares(Protocol):
    """The share of one worker."""

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions that this worker should fold. Stays as it was while nobody can say otherwise."""

    @property
    def rebalances(self) -> int:
        """How often shares were dealt since this worker began."""

    async def rebalanced(self, since: int) -> None:
        """Wait until `rebalances` is not `since`."""

    async def run(self) -> None:
        """Take part until cancelled; then leave, so that others are dealt this share at once. Never raises."""


class EveryPartition:
    """The share of a worker where nobody deals any: everything. Leases then go to whoever asks first.

    Right for a log in a table: one worker folds what one database can take in.
    """

    def __init__(self, partitions: int) -> None:
        self.assigned = frozenset(range(partitions))
        self.rebalances = 0

    async def rebalanced(self, since: int) -> None:
        await asyncio.Event().wait()

    async def run(self) -> None:
        await asyncio.Event().wait()
