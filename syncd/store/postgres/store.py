"""The whole store on one small pool of connections."""

from __future__ import annotations

from syncd.errors import StoreUnavailable
from syncd.postgres.database import Database
from syncd.store.postgres.dead_letters import PostgresDeadLetters
from syncd.store.postgres.erasure import PostgresErasure
from syncd.store.postgres.gateways import PostgresGateways
from syncd.store.postgres.processes import PostgresProcesses
from syncd.store.postgres.projection import PostgresProjection
from syncd.store.postgres.reader import PostgresReader
from syncd.store.postgres.rebuild import PostgresRebuilds
from syncd.store.postgres.registry import PostgresRegistry


class PostgresStore(
    PostgresProjection,
    PostgresReader,
    PostgresDeadLetters,
    PostgresRegistry,
    PostgresErasure,
    PostgresGateways,
    PostgresProcesses,
    PostgresRebuilds,
):
    """A `Store` and a `RebuildStore`. Its parts share a pool and nothing else."""

    @classmethod
    async def open(cls, dsn: str, *, connections: int = 4) -> PostgresStore:
        """Open the store of a migrated database.

        Args:
            connections: at most so many at once; others wait. 4 serve a process whose statements take a millisecond.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        return cls(await Database.open(dsn, size=connections, unavailable=StoreUnavailable, what="store"))

    async def close(self) -> None:
        await self._database.close()
