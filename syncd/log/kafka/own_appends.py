"""What this process appends: the answers tell where partitions end, as a watch would."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager


class OwnAppends:
    """Which partitions we append to, and when a broker last told us so; seconds are `time.monotonic`'s."""

    def __init__(self) -> None:
        self._under_way: Counter[int] = Counter()
        self._written_s: dict[int, float] = {}

    @contextmanager
    def under_way(self, partitions: Collection[int]) -> Iterator[None]:
        """An append to these has no answer yet."""
        self._under_way.update(partitions)
        try:
            yield
        finally:
            self._under_way.subtract(partitions)

    def is_under_way(self, partition: int) -> bool:
        """Whether an append to it has no answer yet."""
        return self._under_way[partition] > 0

    def written(self, partition: int) -> None:
        """The answer of an append told where the partition ends."""
        self._written_s[partition] = time.monotonic()

    def tell_of(self, partition: int, *, within_s: float) -> bool:
        """Whether our appends tell of the partition anyhow: one is under way, or was answered so lately."""
        last_s = self._written_s.get(partition, float("-inf"))
        return self.is_under_way(partition) or time.monotonic() - last_s < within_s
