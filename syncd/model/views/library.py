"""What a listener keeps: favourites, follows, ratings. Source: merge.md section 3.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from syncd.model.cells import Cell
from syncd.model.ids import from_key_part
from syncd.model.views.under import under

Library: TypeAlias = dict[str, dict[str, "bool | int"]]
"""Set -> id -> true, or 0 to 100 in `ratings`. What was taken out again (false) is not there."""


def library_view(cells: Mapping[str, Cell]) -> Library:
    """The sets of an account, ids in the order in which they were added, oldest first."""
    library: Library = {}
    for key, cell in sorted(under(cells, "library/"), key=_by_rank):
        if cell.value is not False:
            set_, _, id_ = key.partition("/")
            library.setdefault(from_key_part(set_), {})[from_key_part(id_)] = cast("bool | int", cell.value)
    return library


def _by_rank(entry: tuple[str, Cell]) -> tuple[str, str]:
    key, cell = entry
    return cell.rank, key
