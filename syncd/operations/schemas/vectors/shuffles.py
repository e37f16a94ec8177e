"""Vectors of the shuffled order: the hash, the order, what comes next."""

from __future__ import annotations

from syncd.model.shuffle import murmur3_32, shuffled, upcoming
from syncd.operations.schemas.vectors.case import Case, Vectors, distinct

_HASHED = [
    ("", 0),
    ("", 1),
    ("", 2**32 - 1),
    ("hello", 0),
    ("hello, world", 0),
    ("a", 42),
    ("ab", 42),
    ("abc", 42),
    ("abcd", 42),
    ("abcde", 2**31),
    ("caf\u00e9 \u2603 \U0001f3b5", 7),
    ("k3v9q2m4ta.1.0", 3_735_928_559),
]
_TRACKS = [f"t{n}" for n in range(12)]
_ODD = ["", "a", "A", "caf\u00e9", "\uffff", "\U0001f3b5"]


def shuffles() -> Vectors:
    """Three questions: `hash`, `order`, `upcoming`."""
    orders = [
        ("as the hashes have it", _TRACKS, 42, None),
        ("the current item first", _TRACKS, 42, "t7"),
        ("a track added", [*_TRACKS, "t99"], 42, "t7"),
        ("the current item removed", [t for t in _TRACKS if t != "t7"], 42, "t7"),
        ("given in another order", _TRACKS[::-1], 42, "t7"),
        ("another seed", _TRACKS, 2**32 - 1, None),
        ("odd ids", _ODD, 3, "A"),
        ("nothing", [], 42, None),
    ]
    nexts = [
        ("in the middle", _TRACKS, 42, "t7", "t2"),
        ("the first", _TRACKS, 42, "t2", "t2"),
        ("the last", _TRACKS, 42, shuffled(_TRACKS, 42, current="t2")[-1], "t2"),
        ("the current removed", [t for t in _TRACKS if t != "t7"], 42, "t7", "t2"),
        ("the first removed", [t for t in _TRACKS if t != "t2"], 42, "t7", "t2"),
    ]
    return Vectors(
        "Shuffle: murmur3_32 over UTF-8, the order by (hash, id) turned to the current item, what is still to come.",
        distinct(
            [
                *(
                    Case(
                        f"hash: {ascii(text)} with seed {seed}",
                        {"op": "hash", "text": text, "seed": seed},
                        murmur3_32(text.encode(), seed),
                    )
                    for text, seed in _HASHED
                ),
                *(
                    Case(
                        f"order: {name}",
                        {"op": "order", "ids": ids, "seed": seed, "current": current},
                        shuffled(ids, seed, current=current),
                    )
                    for name, ids, seed, current in orders
                ),
                *(
                    Case(
                        f"upcoming: {name}",
                        {"op": "upcoming", "ids": ids, "seed": seed, "current": current, "first": first},
                        upcoming(ids, seed, current=current, first=first),
                    )
                    for name, ids, seed, current, first in nexts
                ),
            ]
        ),
    )
