"""The cells below one prefix: how views that read a few of an account's thousands of cells find theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncd.model.cells import Cell


def under(cells: Mapping[str, Cell], prefix: str) -> Iterator[tuple[str, Cell]]:
    """The cells whose key begins with `prefix`, each with the rest of its key, in the mapping's order.

    One pass over all keys, about half a millisecond for 10,000; callers sort by what they mean.
    """
    start = len(prefix)
    return ((key[start:], cell) for key, cell in cells.items() if key.startswith(prefix))
