"""The forms of ranks that are more than a stamp.

    register, once      T(t) + writer                           the event's stamp, as `lower` passes it
    max                 N(n)                                    `max_rank`
    flag                1                                       `FLAG`
    max in an epoch     T(epoch t) + epoch writer + N(n)        `epoch_max_rank`
    answer to           two ranks + T(t) + writer               made by `playback.reported` alone

Source: merge.md section 2.
"""

from __future__ import annotations

from typing import Final

from syncd.model.cells import Cell
from syncd.model.stamp import digits

FLAG: Final = Cell("1", True)
"""True for ever."""


max_rank = digits
"""The rank of a counter that only grows; `n` is 0 to 2^53 - 1."""


def epoch_max_rank(epoch: str, n: int) -> str:
    """The rank of a counter that grows within an epoch; `epoch` is the stamp that opened it, or 21 zeros."""
    return epoch + digits(n)
