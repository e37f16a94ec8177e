"""A seeded fault: one change to the model that some test must notice."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One fault, as data.

    Attributes:
        name: what the faulty model does, in words.
        file: below `syncd/model`.
        old: the text that is replaced; it stands in the file exactly once.
        new: what is put in its place.
        why: what a listener would lose.
        tests: the test files that must notice, below `tests`.
    """

    name: str
    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...]
