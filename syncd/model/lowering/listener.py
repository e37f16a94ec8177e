"""What the events of one listener's own things write: library, settings, progress, history.

A person acts in sequence, so the last writer wins, per smallest thing chosen. Source: merge.md section 3.3.
"""

from __future__ import annotations

from typing import Any

from syncd.model.canonical import Json
from syncd.model.cells import Cell, Cells
from syncd.model.events import (
    Event,
    HistoryCleared,
    HistoryPlayed,
    HistoryRemoved,
    LibraryChanged,
    ProgressListened,
    ProgressMarked,
    SettingsChanged,
)
from syncd.model.ids import key_part
from syncd.model.lowering.writes import FLAG, epoch_max_rank, max_rank
from syncd.model.stamp import ms


def library_changed(data: LibraryChanged, event: Event, rank: str) -> Cells:
    prefix = f"library/{key_part(data.set)}/"
    as_given: Any = data  # mypyc takes `bool | int` for a number, and would make 1 of true
    cell = Cell(rank, as_given.value)
    writes: Cells = {}
    for thing in data.ids:  # usually one: a comprehension would be a call
        writes[prefix + key_part(thing)] = cell
    return writes


def settings_changed(data: SettingsChanged, event: Event, rank: str) -> Cells:
    """One register a key. The slash of a device-scoped key is percent-encoded like any other character."""
    writes: Cells = {}
    for key, value in data.items():
        writes["settings/" + key_part(key)] = Cell(rank, value)
    return writes


def progress_listened(data: ProgressListened, event: Event, rank: str) -> Cells:
    """Where to resume, and how far this listen-through got.

    A `through` that is not smaller than the event's own stamp writes no `furthest`: client text must not win for ever.
    """
    prefix = f"progress/{key_part(data.episode)}"
    position_ms, through = data.position_ms, data.through
    latest: dict[str, Json] = {
        "position_ms": position_ms,
        "duration_ms": data.duration_ms,
        "finished": data.finished,
    }
    writes = {f"{prefix}/latest": Cell(rank, latest)}
    if through < rank:
        writes[f"{prefix}/furthest"] = Cell(epoch_max_rank(through, position_ms), position_ms)
    return writes


def progress_marked(data: ProgressMarked, event: Event, rank: str) -> Cells:
    """Unplayed also opens a new listen-through at 0."""
    prefix = f"progress/{key_part(data.episode)}"
    latest: dict[str, Json] = {"position_ms": 0, "duration_ms": None, "finished": data.played}
    writes = {f"{prefix}/latest": Cell(rank, latest)}
    if not data.played:
        writes[f"{prefix}/furthest"] = Cell(epoch_max_rank(rank, 0), 0)
    return writes


def history_played(data: HistoryPlayed, event: Event, rank: str) -> Cells:
    """A play may be reported again as it grows; nothing starts after its own stamp."""
    prefix = f"history/{key_part(data.play)}"
    listened_ms, started_ms, admitted_ms = data.listened_ms, data.started_ms, ms(event.t)
    what = {
        "track": data.track,
        "context": data.context,
        "started_ms": started_ms if started_ms < admitted_ms else admitted_ms,
        "skipped": data.skipped,
        "reason": data.reason,
    }
    return {
        f"{prefix}/what": Cell(rank, what),
        f"{prefix}/listened_ms": Cell(max_rank(listened_ms), listened_ms),
    }


def history_removed(data: HistoryRemoved, event: Event, rank: str) -> Cells:
    return {f"history/{key_part(data.play)}/removed": FLAG}


def history_cleared(data: HistoryCleared, event: Event, rank: str) -> Cells:
    """Nothing later than the event itself is cleared, whatever its sender's clock said."""
    before_ms = min(data.before_ms, ms(event.t))
    return {"history_cleared": Cell(max_rank(before_ms), before_ms)}
