"""What a playlist says about itself, and who belongs to it. Source: merge.md section 3.3.

Its entries are its `items` list (syncd.model.views.lists); who may do what is in syncd.model.views.access.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from msgspec import Struct

from syncd.model.cells import Cell
from syncd.model.ids import from_key_part
from syncd.model.views.under import under

MemberRole: TypeAlias = Literal["editor", "viewer"]


class PlaylistView(Struct, frozen=True):
    """One playlist, without its entries.

    Attributes:
        public: anybody may read it.
        collaborative: whoever may read it as a member may edit its entries; with `public`, anybody.
        deleted: it is hidden; its owner can bring it back.
        members: account -> role; the owner is not among them.
    """

    name: str | None
    description: str | None
    image: str | None
    public: bool
    collaborative: bool
    deleted: bool
    members: dict[str, MemberRole]


def playlist_view(cells: Mapping[str, Cell]) -> PlaylistView:
    """What a playlist's stream says; what was never said is None or False."""
    return PlaylistView(
        name=_text(cells, "name"),
        description=_text(cells, "description"),
        image=_text(cells, "image"),
        public=flag(cells, "public"),
        collaborative=flag(cells, "collaborative"),
        deleted=flag(cells, "deleted"),
        members={
            from_key_part(part): cast(MemberRole, cell.value)
            for part, cell in sorted(under(cells, "member/"))
            if cell.value is not None
        },
    )


def flag(cells: Mapping[str, Cell], field: str) -> bool:
    """One of `public`, `collaborative`, `deleted`."""
    cell = cells.get(f"playlist/{field}")
    return cell is not None and cast(bool, cell.value)


def _text(cells: Mapping[str, Cell], field: str) -> str | None:
    cell = cells.get(f"playlist/{field}")
    return None if cell is None else cast("str | None", cell.value)
