"""What a listener has heard. Source: merge.md section 3.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from syncd.model.canonical import Json
from syncd.model.cells import Cell
from syncd.model.ids import from_key_part
from syncd.model.stamp import ms, stamp_t
from syncd.model.views.under import under


class HistoryEntry(Struct, frozen=True):
    """One play. `started_ms` is shown only: what orders and hides entries is when they were reported."""

    play: str
    track: str
    started_ms: int
    listened_ms: int


def history_view(cells: Mapping[str, Cell]) -> list[HistoryEntry]:
    """The plays of an account, the latest report first.

    Hidden are plays that were removed, and those reported at or before the moment up to which history was cleared, also
    when they arrive after the clear did.
    """
    whats: list[tuple[str, str, Cell]] = []
    listened: dict[str, int] = {}
    removed: set[str] = set()
    for key, cell in under(cells, "history/"):
        part, _, field = key.partition("/")
        if field == "what":
            whats.append((cell.rank, part, cell))
        elif field == "listened_ms":
            listened[part] = cast(int, cell.value)
        elif field == "removed":
            removed.add(part)
    cleared = cells.get("history_cleared")
    cleared_ms = -1 if cleared is None else cast(int, cleared.value)
    return [
        _entry(part, cast("dict[str, Json]", what.value), listened.get(part, 0))
        for rank, part, what in sorted(whats, reverse=True)
        if part not in removed and ms(stamp_t(rank)) > cleared_ms
    ]


def _entry(part: str, what: dict[str, Json], listened_ms: int) -> HistoryEntry:
    return HistoryEntry(
        play=from_key_part(part),
        track=cast(str, what["track"]),
        started_ms=cast(int, what["started_ms"]),
        listened_ms=listened_ms,
    )
