"""Forgetting accounts."""

from __future__ import annotations

from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries
from syncd.store.port import NOBODY

_QUERIES = load_queries("syncd.store", "erasure.sql")


class PostgresErasure:
    """An `Erasure`. Every statement is a transaction, and may be done twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase_stream(self, stream: str) -> int:
        await self._database.row(_QUERIES["forget_rebuilds"])
        row = await self._database.row(_QUERIES["erase_stream"], stream, NOBODY)
        assert row is not None, "the statement always returns one row"
        cells: int = row["cells"]
        return cells

    async def give_stream(self, stream: str, *, owner: str) -> None:
        await self._database.row(_QUERIES["give_stream"], stream, owner)

    async def erase_writers(self, account: str) -> None:
        await self._database.row(_QUERIES["erase_writers"], account)
