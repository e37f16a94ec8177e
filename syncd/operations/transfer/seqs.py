"""A set of seqs, kept as ranges: a writer's have no holes, so nearly always one range says it."""

from __future__ import annotations

from bisect import bisect_right

from msgspec import Struct, field


class Seqs(Struct):
    """Numbers from 1, in nearly any case added rising; those that come late cost more.

    Attributes:
        firsts, lasts: of the ranges, ascending.
        late: numbers that came after larger ones; None while there is none.
    """

    firsts: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)
    late: set[int] | None = None

    def add(self, seq: int) -> bool:
        """Put a number in; False when it was there."""
        if seq in self:
            return False
        if self.lasts and seq == self.lasts[-1] + 1:
            self.lasts[-1] = seq
        elif not self.lasts or seq > self.lasts[-1]:
            self.firsts.append(seq)
            self.lasts.append(seq)
        elif self.late is None:
            self.late = {seq}
        else:
            self.late.add(seq)
        return True

    def __contains__(self, seq: int) -> bool:
        index = bisect_right(self.firsts, seq) - 1
        return (index >= 0 and seq <= self.lasts[index]) or (self.late is not None and seq in self.late)
