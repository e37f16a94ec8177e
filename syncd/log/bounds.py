"""Which offsets of a partition can be asked for."""

from __future__ import annotations

from syncd.errors import OffsetExpired, OffsetInFuture


def check_kept(from_: int, *, start: int, end: int) -> None:
    """Raise unless the log holds everything from `from_` on; its end itself is fine.

    Raises:
        OffsetExpired: it lies before `start`, the oldest offset kept.
        OffsetInFuture: it lies beyond `end`, the next offset.
    """
    if from_ < start:
        raise OffsetExpired(f"offset {from_} is before {start}, the oldest kept")
    if from_ > end:
        raise OffsetInFuture(f"offset {from_} is beyond {end}, the end of the log")
