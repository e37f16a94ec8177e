"""Which partition a stream lives in."""

from __future__ import annotations

from hashlib import sha256


def partition_of(stream: str, partitions: int) -> int:
    """First 8 bytes of SHA-256(stream), big-endian, modulo the count. Source: design.md section 2."""
    if partitions == 1:
        return 0
    return int.from_bytes(sha256(stream.encode()).digest()[:8], "big") % partitions
