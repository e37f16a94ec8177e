"""Vectors of the join of two cells, and of the digest of many."""

from __future__ import annotations

import random

from msgspec.structs import astuple

from syncd.model.canonical import Json
from syncd.model.cells import Cell, Cells, digest, fold, join
from syncd.model.lowering.writes import FLAG, epoch_max_rank, max_rank
from syncd.model.stamp import NO_STAMP, stamp
from syncd.operations.schemas.samples.events import LAPTOP, PHONE, T
from syncd.operations.schemas.vectors.case import Case, Vectors, cells_json, distinct, drawn, permutations

_S = stamp(T, PHONE)

_PAIRS: dict[str, tuple[Cell, Cell]] = {
    "later time": (Cell(_S, "first"), Cell(stamp(T + 1, PHONE), "second")),
    "equal time, larger writer": (Cell(_S, "phone"), Cell(stamp(T, LAPTOP), "laptop")),
    "a larger value does not help": (Cell(_S, "zzz"), Cell(stamp(T + 1, PHONE), "aaa")),
    "equal rank: larger text": (Cell(_S, "a"), Cell(_S, "b")),
    "equal rank: text is compared with its quotes": (Cell(_S, "a"), Cell(_S, "a!")),
    "equal rank: true after false": (Cell(_S, True), Cell(_S, False)),
    "equal rank: numbers are compared as text": (Cell(_S, 9), Cell(_S, 10)),
    "equal rank: null before a number's text": (Cell(_S, None), Cell(_S, 0)),
    "equal rank: text before array before object": (Cell(_S, ["z"]), Cell(_S, {"a": 1})),
    "equal rank: bytes of UTF-8, not units of UTF-16": (Cell(_S, "\uffff"), Cell(_S, "\U00010000")),
    "equal rank: an escape is compared as it is written": (Cell(_S, "\n"), Cell(_S, "]")),
    "equal rank: keys sorted before comparing": (Cell(_S, {"b": 1, "a": 2}), Cell(_S, {"a": 2, "b": 0})),
    "the same cell": (Cell(_S, {"a": 1}), Cell(_S, {"a": 1})),
    "max": (Cell(max_rank(9), 9), Cell(max_rank(10), 10)),
    "flag": (FLAG, FLAG),
    "a new epoch starts lower": (
        Cell(epoch_max_rank(_S, 3_000_000), 3_000_000),
        Cell(epoch_max_rank(stamp(T + 1, LAPTOP), 0), 0),
    ),
    "any epoch beats none": (Cell(epoch_max_rank(NO_STAMP, 3_000_000), 3_000_000), Cell(epoch_max_rank(_S, 0), 0)),
    "a rank that another begins with": (Cell(_S, 1), Cell(_S + "0", 0)),
}


def joins() -> Vectors:
    """Two cells, in either order -> the one that stays."""
    cases = []
    for name, (a, b) in _PAIRS.items():
        assert join(a, b) == join(b, a), name
        cases.append(Case(name, {"a": astuple(a), "b": astuple(b)}, astuple(join(a, b))))
    return Vectors(
        "The join of two writes to one cell, `[rank, value]` each; the same with a and b exchanged.", distinct(cases)
    )


def digests() -> Vectors:
    """Cells -> their digest; and writes in many orders -> cells and digest."""
    one: Cells = {"settings/theme": Cell(_S, "dark")}
    texts: Cells = {
        "settings/caf%C3%A9": Cell(_S, "caf\u00e9 \u2028 \U0001f697 \x00"),
        "history_cleared": Cell(max_rank(5), 5),
    }
    cases = [
        Case("no cells", {"cells": {}}, {"digest": digest({})}),
        Case("one cell", {"cells": cells_json(one)}, {"digest": digest(one)}),
        Case("texts", {"cells": cells_json(texts)}, {"digest": digest(texts)}),
    ]
    for seed in range(4):
        writes = _writes_of(seed)
        cells = fold({}, writes)
        cases.append(
            Case(
                f"writes drawn from seed {seed}",
                {
                    "writes": [[key, cell.rank, cell.value] for key, cell in writes],
                    "permutations": permutations(len(writes), seed=f"digest {seed}"),
                },
                {"digest": digest(cells), "cells": cells_json(cells)},
            )
        )
    return Vectors(
        "The digest: the sum over cells, modulo 2^64, of the first 8 bytes of SHA-256(key 0x00 rank 0x00 value).",
        distinct(cases),
    )


def _writes_of(seed: int) -> list[tuple[str, Cell]]:
    """Writes to few cells, so that they meet, with equal ranks now and then."""
    rng = random.Random(f"digest {seed}")
    values: list[Json] = [None, True, 0, 7, "a", "b", ["a"], {"a": 1}]
    return [
        (
            f"settings/{drawn(rng, 5)}",
            Cell(stamp(T + drawn(rng, 6), (PHONE, LAPTOP)[drawn(rng, 2)]), values[drawn(rng, len(values))]),
        )
        for _ in range(25)
    ]
