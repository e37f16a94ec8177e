"""How far a listener got in each episode. Source: merge.md section 3.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from syncd.model.canonical import Json
from syncd.model.cells import Cell
from syncd.model.ids import from_key_part, key_part
from syncd.model.stamp import NO_STAMP, STAMP_LENGTH
from syncd.model.views.under import under


class ProgressView(Struct, frozen=True):
    """One episode.

    Attributes:
        resume_ms: where the last device left it.
        played: it was heard to its end, or marked so.
        furthest_ms: the furthest point of this listen-through, not before `resume_ms`.
    """

    resume_ms: int
    played: bool
    furthest_ms: int


def progress_view(cells: Mapping[str, Cell]) -> dict[str, ProgressView]:
    """Progress by episode, episodes in code-point order."""
    latest: dict[str, dict[str, Json]] = {}
    furthest: dict[str, int] = {}
    for key, cell in under(cells, "progress/"):
        part, _, field = key.partition("/")
        if field == "latest":
            latest[from_key_part(part)] = cast("dict[str, Json]", cell.value)
        elif field == "furthest":
            furthest[from_key_part(part)] = cast(int, cell.value)
    episodes = sorted(latest.keys() | furthest.keys())
    return {episode: _progress(latest.get(episode, {}), furthest.get(episode, 0)) for episode in episodes}


def _progress(latest: Mapping[str, Json], furthest_ms: int) -> ProgressView:
    resume_ms = cast(int, latest.get("position_ms", 0))
    return ProgressView(
        resume_ms=resume_ms,
        played=cast(bool, latest.get("finished", False)),
        furthest_ms=max(furthest_ms, resume_ms),
    )


def through(cells: Mapping[str, Cell], episode: str) -> str:
    """What a `progress.listened` names as the listen-through it belongs to: the rank that opened it, or 21 zeros."""
    furthest = cells.get(f"progress/{key_part(episode)}/furthest")
    return NO_STAMP if furthest is None else furthest.rank[:STAMP_LENGTH]
