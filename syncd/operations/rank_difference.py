"""Why one write of a cell lost to another, as a sentence. The forms of ranks are in merge.md section 2.

A rank is made of parts: times with writers (21 characters) and numbers (11). The first part that differs decided.
"""

from __future__ import annotations

from typing import Final

from syncd.model.cells import Cell
from syncd.model.stamp import STAMP_LENGTH, from_digits, ms, stamp_t
from syncd.operations.moment import duration, moment

NUMBER_LENGTH: Final = 11
"""`N(n)` and `T(t)`."""


def rank_difference(key: str, loser: Cell, winner: Cell) -> str:
    """Why `loser` does not stand, where `winner` does."""
    if loser == winner:
        return "the same write once more: the event was admitted twice"
    if loser.rank == winner.rank:
        return "the same rank with a smaller value, which only a faulty writer makes"
    if len(loser.rank) != len(winner.rank):
        return f"rank {loser.rank} is smaller than {winner.rank}"
    return _compared(key, loser.rank, winner.rank)


def _compared(key: str, loser: str, winner: str) -> str:
    if len(loser) == STAMP_LENGTH:
        return _earlier("written", loser, winner)
    if len(loser) == NUMBER_LENGTH:
        return f"{from_digits(loser)} is smaller than {from_digits(winner)}"
    if len(loser) == NUMBER_LENGTH + STAMP_LENGTH and "/cleared/" in key:
        seen, seen_by_winner = from_digits(loser[:NUMBER_LENGTH]), from_digits(winner[:NUMBER_LENGTH])
        if seen != seen_by_winner:
            return f"that clear had seen this writer's events up to {seen}, the other one up to {seen_by_winner}"
        return _earlier("cleared", loser[NUMBER_LENGTH:], winner[NUMBER_LENGTH:])
    if len(loser) == STAMP_LENGTH + NUMBER_LENGTH:
        if loser[:STAMP_LENGTH] != winner[:STAMP_LENGTH]:
            return _earlier("of a listen-through begun", loser, winner)
        return f"{from_digits(loser[STAMP_LENGTH:])} is not as far as {from_digits(winner[STAMP_LENGTH:])}"
    if len(loser) == 3 * STAMP_LENGTH:
        if loser[: 2 * STAMP_LENGTH] != winner[: 2 * STAMP_LENGTH]:
            return "it answers commands that others have replaced since"
        return _earlier("reported", loser[2 * STAMP_LENGTH :], winner[2 * STAMP_LENGTH :])
    return f"rank {loser} is smaller than {winner}"


def _earlier(done: str, loser: str, winner: str) -> str:
    """Of two stamps, the first 21 characters each: the earlier, or the smaller writer."""
    t, t_of_winner = stamp_t(loser), stamp_t(winner)
    if t == t_of_winner:
        return f"{done} at the same moment; writer {loser[11:STAMP_LENGTH]} sorts before {winner[11:STAMP_LENGTH]}"
    if ms(t) == ms(t_of_winner):
        return f"{done} in the same ms, {t_of_winner - t} ticks earlier"
    return f"{done} {duration(ms(t_of_winner) - ms(t))} earlier, at {moment(ms(t))}"
