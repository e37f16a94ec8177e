"""Operators: who may use the console, and what they did with it. The door.

Operators prove who they are by a token of 256 random bits, of which only a hash is kept. No device's token is one, nor
the other way round: they lie in different tables, and their prefixes differ. Behind the door: `service` on Postgres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Act", "NewOperator", "Operator", "Operators"]


@dataclass(frozen=True, slots=True)
class Operator:
    """`name`: unique, `[a-z0-9._-]{1,32}`. `revoked_ms`: None while the operator stands."""

    name: str
    made_ms: int
    revoked_ms: int | None


@dataclass(frozen=True, slots=True)
class NewOperator:
    """An operator and the token, which is shown once and never again."""

    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Act:
    """Something that an operator did.

    Attributes:
        act: its number; later ones are larger.
        what: as "drop the dead letter 0:12@…".
        outcome: as "done", or why it was not.
    """

    act: int
    at_ms: int
    operator: str
    what: str
    outcome: str


class Operators(Protocol):
    """What other rooms may ask. Every method may raise `StoreUnavailable`."""

    async def create(self, name: str) -> NewOperator:
        """A new operator with a fresh token. Raises `Conflict` when the name is taken, also by one who was revoked, and
        `Refused` when it is unusable."""

    async def all(self) -> Sequence[Operator]:
        """Every operator there ever was, oldest first."""

    async def revoke(self, name: str) -> Operator:
        """End an operator's token for good; twice is harmless. Raises `NotFound`."""

    async def login(self, token: str) -> str:
        """The name of who holds this token. Raises `LoginExpired` when nobody does, `LoginRevoked` when it was
        revoked."""

    async def note(self, operator: str, what: str, outcome: str) -> None:
        """Write down what an operator did. Twice writes it twice."""

    async def acts(self, *, before: int | None, limit: int) -> Sequence[Act]:
        """The last `limit` things that operators did, of those numbered below `before`; newest first."""
