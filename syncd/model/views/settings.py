"""What was chosen: one value a key. Source: merge.md section 3.3."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.model.canonical import Json
from syncd.model.cells import Cell
from syncd.model.ids import from_key_part
from syncd.model.views.under import under


def settings_view(cells: Mapping[str, Cell]) -> dict[str, Json]:
    """All settings of an account by key, keys in code-point order; device-scoped ones read `<device>/<key>`."""
    return {from_key_part(part): cell.value for part, cell in sorted(under(cells, "settings/"), key=_by_key)}


def _by_key(entry: tuple[str, Cell]) -> str:
    return from_key_part(entry[0])
