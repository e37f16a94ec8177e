"""What processes tell of themselves."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries
from syncd.store.port import ProcessReport

_QUERIES = load_queries("syncd.store", "processes.sql")


class PostgresProcesses:
    """A `ProcessDirectory`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, process: str, *, roles: str, figures: bytes) -> None:
        await self._database.row(_QUERIES["report"], process, roles, figures)

    async def processes(self, *, ttl_s: float) -> Sequence[ProcessReport]:
        return [ProcessReport(*row) for row in await self._database.rows(_QUERIES["processes"], ttl_s)]
