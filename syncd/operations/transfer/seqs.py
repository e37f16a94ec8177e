"""A set of seqs, kept as ranges: a writer's have no holes, so nearly always one range says it."""

from __future__ import annotations

from bisect import bisect_right


class Seqs:
    """Numbers from 1, in nearly any case added rising; those that come late cost more."""

    __slots__ = ("_firsts", "_lasts", "_late")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._late: set[int] = set()

    def add(self, seq: int) -> bool:
        """Put a number in; False when it was there."""
        if seq in self:
            return False
        if self._lasts and seq == self._lasts[-1] + 1:
            self._lasts[-1] = seq
        elif not self._lasts or seq > self._lasts[-1]:
            self._firsts.append(seq)
            self._lasts.append(seq)
        else:
            self._late.add(seq)
        return True

    def __contains__(self, seq: int) -> bool:
        index = bisect_right(self._firsts, seq) - 1
        return (index >= 0 and seq <= self._lasts[index]) or seq in self._late
