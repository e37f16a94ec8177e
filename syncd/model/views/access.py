"""Who may read and write a playlist. Enforced at admission only: what was admitted stays. Source: merge.md section 3.3.

| | reads | list.* | playlist.* |
|---|---|---|---|
| owner | yes | yes | yes |
| editor | yes | yes | |
| viewer | yes | if collaborative | |
| any account | if public | if public and collaborative | |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from msgspec import Struct

from syncd.model.cells import Cell
from syncd.model.ids import key_part
from syncd.model.views.playlist import MemberRole, flag

Role: TypeAlias = Literal["owner"] | MemberRole


class Access(Struct, frozen=True):
    """What one account may do with one playlist. `role` is None for an account that is no member."""

    role: Role | None
    public: bool
    collaborative: bool

    def may_subscribe(self) -> bool:
        """Whether it may read; once it may not, its subscriptions end."""
        return self.role is not None or self.public

    def may_write(self, kind: str) -> bool:
        """Whether it may emit events of this kind into the playlist's stream."""
        if self.role == "owner":
            return True
        if not kind.startswith("list."):
            return False
        return self.role == "editor" or (self.collaborative and self.may_subscribe())


def role_of(cells: Mapping[str, Cell], account: str, owner: str) -> Role | None:
    """An account's role in a playlist; None when it has none.

    Args:
        cells: of the playlist's stream.
        owner: the account that the store names as the stream's owner, whatever its cells say.
    """
    if account == owner:
        return "owner"
    member = cells.get(f"member/{key_part(account)}")
    return None if member is None else cast("MemberRole | None", member.value)


def access_of(cells: Mapping[str, Cell], account: str, owner: str) -> Access:
    """What an account may do with a playlist; arguments as of `role_of`."""
    return Access(
        role=role_of(cells, account, owner),
        public=flag(cells, "public"),
        collaborative=flag(cells, "collaborative"),
    )
