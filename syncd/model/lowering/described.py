"""What the events that describe devices and playlists write: a register a field given. Source: merge.md section 3.3."""

from __future__ import annotations

from msgspec import UNSET

from syncd.model.cells import Cell, Cells
from syncd.model.events import DeviceDescribed, DeviceRevoked, Event, PlaylistDescribed, PlaylistMemberChanged
from syncd.model.ids import key_part
from syncd.model.lowering.writes import FLAG

_DEVICE_FIELDS = ("name", "kind", "capabilities")
_PLAYLIST_FIELDS = ("name", "description", "image", "public", "collaborative", "deleted")


def device_described(data: DeviceDescribed, event: Event, rank: str) -> Cells:
    prefix = f"device/{key_part(data.device)}/"
    given = ((field, getattr(data, field)) for field in _DEVICE_FIELDS)
    return {prefix + field: Cell(rank, value) for field, value in given if value is not UNSET}


def device_revoked(data: DeviceRevoked, event: Event, rank: str) -> Cells:
    return {f"device/{key_part(data.device)}/revoked": FLAG}


def playlist_described(data: PlaylistDescribed, event: Event, rank: str) -> Cells:
    """Deleting is a register like any other, so it can be undone."""
    given = ((field, getattr(data, field)) for field in _PLAYLIST_FIELDS)
    return {f"playlist/{field}": Cell(rank, value) for field, value in given if value is not UNSET}


def member_changed(data: PlaylistMemberChanged, event: Event, rank: str) -> Cells:
    """A role of null takes the member off."""
    return {f"member/{key_part(data.account)}": Cell(rank, data.role)}
