"""The form of shared vectors: what every SDK is given, and what it must answer.

Events are objects of `stream, writer, seq, t, kind, data`; cells are `{key: [rank, value]}`. A permutation lists
indexes of the case's events in an order of delivery, some of them twice: every one must lead to the same answer.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from syncd.model.cells import Cell
from syncd.model.events import Event

PERMUTATIONS = 6
"""Orders of delivery of each case: as made, backwards, and drawn ones with repeats."""


class Case(NamedTuple):
    """One question and its answer, both plain JSON."""

    name: str
    input: Any
    expected: Any


class Vectors(NamedTuple):
    """One file of them."""

    about: str
    cases: list[Case]


def event_json(event: Event) -> dict[str, Any]:
    """An admitted event as plain JSON; fields that its maker left out are left out, or have their default."""
    plain: dict[str, Any] = msgspec.to_builtins(event)
    return plain


def cells_json(cells: Mapping[str, Cell]) -> dict[str, Any]:
    """Cells as plain JSON."""
    return {key: [cell.rank, cell.value] for key, cell in cells.items()}


def permutations(count: int, *, seed: str) -> list[list[int]]:
    """Orders of delivery of `count` events, drawn from a seed, so that they are the same on every machine."""
    straight = list(range(count))
    orders = [straight, straight[::-1]]
    rng = random.Random(seed)
    while len(orders) < PERMUTATIONS:
        order = straight + [drawn(rng, count) for _ in range(count // 3)]
        orders.append([index for _, index in sorted((rng.random(), index) for index in order)])
    return orders


def drawn(rng: random.Random, count: int) -> int:
    """0 to count - 1. Of a seeded generator only `random()` is promised to give the same in every Python."""
    return int(rng.random() * count)


def distinct(cases: Sequence[Case]) -> list[Case]:
    """The cases, checked to have names of their own."""
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), f"two cases share a name: {sorted(names)}"
    return list(cases)
