"""Why a write lost, in words, for every form of rank."""

from __future__ import annotations

import pytest

from syncd.model.cells import Cell
from syncd.model.stamp import digits, pack, stamp
from syncd.operations.rank_difference import rank_difference

MS = 1_763_870_000_000
EARLY, LATE = stamp(pack(MS), "a" * 10), stamp(pack(MS + 4_200), "b" * 10)
AT = "2025-11-23T03:53:20.000Z"


@pytest.mark.parametrize(
    ("key", "loser", "winner", "said"),
    [
        ("settings/theme", EARLY, LATE, f"written 4.2 s earlier, at {AT}"),
        ("settings/theme", EARLY, stamp(pack(MS, 3), "b" * 10), "written in the same ms, 3 ticks earlier"),
        (
            "settings/theme",
            EARLY,
            stamp(pack(MS), "b" * 10),
            "written at the same moment; writer aaaaaaaaaa sorts before bbbbbbbbbb",
        ),
        ("history/h/listened_ms", digits(7), digits(70), "7 is smaller than 70"),
        (
            "progress/e/furthest",
            EARLY + digits(9),
            LATE + digits(1),
            f"of a listen-through begun 4.2 s earlier, at {AT}",
        ),
        ("progress/e/furthest", EARLY + digits(1), EARLY + digits(9), "1 is not as far as 9"),
        (
            "queue/cleared/cccccccccc",
            digits(1) + LATE,
            digits(2) + EARLY,
            "that clear had seen this writer's events up to 1, the other one up to 2",
        ),
        ("queue/cleared/cccccccccc", digits(1) + EARLY, digits(1) + LATE, f"cleared 4.2 s earlier, at {AT}"),
        ("play_report/x", EARLY * 2 + LATE, LATE * 2 + EARLY, "it answers commands that others have replaced since"),
        ("play_report/x", EARLY * 3, EARLY * 2 + LATE, f"reported 4.2 s earlier, at {AT}"),
        ("settings/theme", "1", "2", "rank 1 is smaller than 2"),
        ("settings/theme", "1", EARLY, f"rank 1 is smaller than {EARLY}"),
    ],
)
def test_the_first_part_that_differs_decided(key: str, loser: str, winner: str, said: str) -> None:
    assert loser < winner
    assert rank_difference(key, Cell(loser, None), Cell(winner, None)) == said


def test_equal_ranks_are_explained_too() -> None:
    assert "admitted twice" in rank_difference("k", Cell(EARLY, 1), Cell(EARLY, 1))
    assert "faulty writer" in rank_difference("k", Cell(EARLY, 1), Cell(EARLY, 2))
