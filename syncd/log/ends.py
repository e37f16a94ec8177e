"""How far partitions are known to have come, and who waits for more."""

from __future__ import annotations

import asyncio


class KnownEnds:
    """The largest end of each partition that anybody told us, and the waits that it ends.

    Ends only rise. A wait costs one future; there are as many as tails in this process, a handful.
    """

    def __init__(self, partitions: int) -> None:
        self._ends = [0] * partitions
        self._waiters: list[list[tuple[int, asyncio.Future[None]]]] = [[] for _ in range(partitions)]

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, partition: int) -> int:
        return self._ends[partition]

    def rise(self, partition: int, end: int) -> None:
        """Learn that a partition's end is at least `end`; wakes those who wait for less. Any order, any repetition."""
        if end <= self._ends[partition]:
            return
        self._ends[partition] = end
        waiters = self._waiters[partition]
        if waiters:
            self._waiters[partition] = [waiter for waiter in waiters if waiter[0] >= end]
            for offset, future in waiters:
                if offset < end and not future.done():
                    future.set_result(None)

    async def wait_beyond(self, partition: int, offset: int, *, timeout_s: float) -> int:
        """Wait until the end is known to be beyond `offset`, or `timeout_s` has passed; the end as known then."""
        if self._ends[partition] > offset:
            return self._ends[partition]
        future = asyncio.get_running_loop().create_future()
        waiter = (offset, future)
        self._waiters[partition].append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return self._ends[partition]
        finally:
            # `rise` has taken out a waiter that it woke.
            if waiter in self._waiters[partition]:
                self._waiters[partition].remove(waiter)
        return self._ends[partition]
