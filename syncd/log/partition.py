"""Which partition a stream lives in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

from syncd.log.record import Record


@lru_cache(maxsize=65_536)  # about 10 MiB; a hash costs more than all else that an append does for a record
def partition_of(stream: str, partitions: int) -> int:
    """First 8 bytes of SHA-256(stream), big-endian, modulo the count. Source: design.md section 2."""
    if partitions == 1:
        return 0
    return int.from_bytes(sha256(stream.encode()).digest()[:8], "big") % partitions


def by_partition(records: Sequence[Record], partitions: int) -> Mapping[int, Sequence[Record]]:
    """The records of each partition that has some, in the order given; partitions ascending."""
    if partitions == 1:
        return {0: records}
    groups: dict[int, list[Record]] = {}
    for record in records:
        groups.setdefault(partition_of(record.stream, partitions), []).append(record)
    return {partition: groups[partition] for partition in sorted(groups)}
