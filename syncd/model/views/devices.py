"""The devices of an account, as they describe themselves. Source: merge.md section 3.3.

Which of them are connected is presence, and never in cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from syncd.model.canonical import Json
from syncd.model.cells import Cell
from syncd.model.ids import from_key_part
from syncd.model.views.under import under


class DeviceView(Struct, frozen=True):
    """One device; None stands for what it never said."""

    device: str
    name: str | None
    kind: str | None
    capabilities: Json
    volume_permille: int | None
    revoked: bool


def devices_view(cells: Mapping[str, Cell]) -> list[DeviceView]:
    """All devices that any cell names, revoked ones included, by id in code-point order."""
    fields: dict[str, dict[str, Json]] = {}
    for key, cell in under(cells, "device/"):
        part, _, field = key.partition("/")
        fields.setdefault(from_key_part(part), {})[field] = cell.value
    return [_device(device, fields[device]) for device in sorted(fields)]


def _device(device: str, fields: dict[str, Json]) -> DeviceView:
    return DeviceView(
        device=device,
        name=cast("str | None", fields.get("name")),
        kind=cast("str | None", fields.get("kind")),
        capabilities=fields.get("capabilities"),
        volume_permille=cast("int | None", fields.get("volume_permille")),
        revoked=cast(bool, fields.get("revoked", False)),
    )
