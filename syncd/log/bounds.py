"""Which offsets of a partition can be asked for."""

from __future__ import annotations

from syncd.errors import EpochChanged, OffsetExpired, OffsetInFuture


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


def check_folded(partition: int, offset_next: int, *, start: int, end: int) -> None:
    """Raise unless the log, in the life that a store was folded from, can be read on from where that ended.

    Raises:
        EpochChanged: it ends before; what was folded is not in it any more.
        OffsetExpired: it begins behind; what lay between was never folded, and is gone.
    """
    if offset_next > end:
        raise EpochChanged(
            f"partition {partition} ends at {end}, {offset_next} were folded: records are lost,"
            " run `syncd migrate --new-epoch`"
        )
    if offset_next < start:
        raise OffsetExpired(
            f"partition {partition} begins at {start}, only {offset_next} were folded: what lay between was deleted"
            " before any projector had read it, run `syncd migrate --new-epoch`"
        )
