"""What the events of playback write: plays, and registers of what was pressed.

On and off are two cells, so that a stale "play" cannot erase the pause before it. A pause writes no position, so a
concurrent seek survives it. Source: merge.md section 3.2.
"""

from __future__ import annotations

from msgspec import UNSET

from syncd.model.canonical import Json
from syncd.model.cells import Cell, Cells
from syncd.model.events import (
    DeviceVolumeChanged,
    Event,
    PlaybackAdvanced,
    PlaybackModeChanged,
    PlaybackPaused,
    PlaybackReported,
    PlaybackResumed,
    PlaybackSeeked,
    PlaybackSpeedChanged,
    PlaybackStarted,
)
from syncd.model.ids import event_id, key_part


def started(data: PlaybackStarted, event: Event, rank: str) -> Cells:
    """Opens an epoch, named after this event."""
    id_ = event_id(event.writer, event.seq)
    follows: list[Json] = [*data.follows]
    value: dict[str, Json] = {
        "epoch": id_,
        "generation": 0,
        "follows": follows,
        "item": data.item,
        "device": data.device,
        "context": data.context,
        "detached": data.detached,
    }
    return {
        f"play/{id_}": Cell(rank, value),
        f"play_on/{id_}" if data.playing else f"play_off/{id_}": Cell(rank, True),
        f"play_speed/{id_}": Cell(rank, data.speed_permille),
        f"play_at/{id_}": Cell(rank, [data.position_ms, data.playing]),
    }


def advanced(data: PlaybackAdvanced, event: Event, rank: str) -> Cells:
    """The next generation of an epoch. Pressed, it plays; an automatic one leaves a pause alone."""
    id_ = event_id(event.writer, event.seq)
    follows: list[Json] = [*data.follows]
    value: dict[str, Json] = {
        "epoch": data.epoch,
        "generation": data.generation,
        "follows": follows,
        "item": data.item,
        "automatic": data.automatic,
    }
    writes = {
        f"play/{id_}": Cell(rank, value),
        f"play_at/{id_}": Cell(rank, [data.position_ms or 0, True]),
    }
    if not data.automatic:
        writes[f"play_on/{data.epoch}"] = Cell(rank, True)
    return writes


def paused(data: PlaybackPaused, event: Event, rank: str) -> Cells:
    """Writes no position."""
    return {f"play_off/{data.epoch}": Cell(rank, True)}


def resumed(data: PlaybackResumed, event: Event, rank: str) -> Cells:
    return {
        f"play_on/{data.epoch}": Cell(rank, True),
        f"play_at/{data.play}": Cell(rank, [data.position_ms, True]),
    }


def seeked(data: PlaybackSeeked, event: Event, rank: str) -> Cells:
    return {f"play_at/{data.play}": Cell(rank, [data.position_ms, data.playing])}


def speed_changed(data: PlaybackSpeedChanged, event: Event, rank: str) -> Cells:
    """Writes the position too, so that the old speed counts up to here."""
    return {
        f"play_speed/{data.epoch}": Cell(rank, data.speed_permille),
        f"play_at/{data.play}": Cell(rank, [data.position_ms, data.playing]),
    }


def reported(data: PlaybackReported, event: Event, rank: str) -> Cells:
    """A renderer's measure counts only for the command it obeyed, whose ranks come first in its own.

    An answer to something later than the event itself writes nothing: client text must not win for ever.
    """
    at, toggled = data.answers
    if at >= rank or toggled >= rank:
        return {}
    return {f"play_report/{data.play}": Cell(at + toggled + rank, [data.position_ms, data.buffering])}


def mode_changed(data: PlaybackModeChanged, event: Event, rank: str) -> Cells:
    """One register for each mode given."""
    writes: Cells = {}
    if data.shuffle is not UNSET:
        writes["mode/shuffle"] = Cell(rank, {"on": data.shuffle.on, "seed": data.shuffle.seed})
    if data.repeat is not UNSET:
        writes["mode/repeat"] = Cell(rank, data.repeat)
    if data.sleep_at_ms is not UNSET:
        writes["mode/sleep_at_ms"] = Cell(rank, data.sleep_at_ms)
    return writes


def volume_changed(data: DeviceVolumeChanged, event: Event, rank: str) -> Cells:
    return {f"device/{key_part(data.device)}/volume_permille": Cell(rank, data.volume_permille)}
