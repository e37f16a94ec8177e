"""Operators in Postgres: the tables of migrations/0010_operators.sql."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from syncd.clock import Clock
from syncd.errors import Conflict, LoginExpired, LoginRevoked, NotFound, Refused, StoreUnavailable
from syncd.operators import Act, NewOperator, Operator
from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries

_QUERIES: Final = load_queries("syncd.operators", "operators.sql")

TOKEN_PREFIX: Final = "syncd_operator_"  # noqa: S105 - says what the secret is; logs cut out what begins so
TOKEN_BYTES: Final = 32
CONNECTIONS: Final = 2
"""Of one process: a few people at most."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


class PostgresOperators:
    """Keeps the promises of `syncd.operators.Operators` in a database that the migrations were applied to."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `open`."""
        self._database = database
        self._clock = clock

    @classmethod
    async def open(cls, dsn: str, clock: Clock) -> PostgresOperators:
        """Connect. Raises `StoreUnavailable` when the database does not answer."""
        return cls(await Database.open(dsn, size=CONNECTIONS, unavailable=StoreUnavailable, what="operators"), clock)

    async def close(self) -> None:
        """Let go of connections. Twice is harmless."""
        await self._database.close()

    async def create(self, name: str) -> NewOperator:
        if not _NAME.fullmatch(name):
            raise Refused(
                f"{name[:64]!r} cannot be an operator's name: 1 to 32 of a-z, 0-9, '.', '_' and '-', beginning with a "
                "letter or digit"
            )
        token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        if await self._database.row(_QUERIES["create"], name, _hash(token), self._clock.now_ms()) is None:
            raise Conflict(f"an operator named {name!r} is there already, or was once")
        return NewOperator(name, token)

    async def all(self) -> Sequence[Operator]:
        return [Operator(*row) for row in await self._database.rows(_QUERIES["all"])]

    async def revoke(self, name: str) -> Operator:
        row = None
        if _NAME.fullmatch(name):
            row = await self._database.row(_QUERIES["revoke"], name, self._clock.now_ms())
        if row is None:
            raise NotFound(f"no operator is named {name[:64]!r}")
        return Operator(*row)

    async def login(self, token: str) -> str:
        row = await self._database.row(_QUERIES["login"], _hash(token))
        if row is None:
            raise LoginExpired("no operator has this token; `syncd operator create NAME` makes one")
        if row["revoked"]:
            raise LoginRevoked(f"operator {row['name']} was revoked")
        return str(row["name"])

    async def note(self, operator: str, what: str, outcome: str) -> None:
        await self._database.row(_QUERIES["note"], self._clock.now_ms(), operator, what, outcome)

    async def acts(self, *, before: int | None, limit: int) -> Sequence[Act]:
        return [Act(*row) for row in await self._database.rows(_QUERIES["acts"], before, limit)]


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
