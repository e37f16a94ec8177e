"""What a process works on: log, store and doors, each with its adapter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.accounts import Accounts
from syncd.accounts.service import PostgresAccounts
from syncd.bootstrap.present_log import open_log
from syncd.clock import Clock, SystemClock
from syncd.config import Config
from syncd.errors import Unavailable
from syncd.log.port import TrimmableLog
from syncd.logs import get_logger
from syncd.operators import Operators
from syncd.operators.service import PostgresOperators
from syncd.store.deployment_row import DeploymentRow, deployment_row
from syncd.store.migrate import migrate
from syncd.store.port import SideChannel, Store
from syncd.store.postgres import PostgresStore
from syncd.store.rebuild_port import RebuildStore
from syncd.store.side_channel import PostgresSideChannel

if TYPE_CHECKING:
    from syncd.store.embedded import EmbeddedPostgres

log = get_logger("bootstrap")

OnProgress = Callable[[str], None]
REJOIN_PAUSE_S = 1.0
"""Between attempts to have an embedded Postgres again."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a process works on."""

    config: Config
    dsn: str
    log: TrimmableLog
    store: Store
    rebuilds: RebuildStore
    accounts: Accounts
    operators: Operators
    side_channel: SideChannel
    clock: Clock
    row: DeploymentRow
    """As it was when the log was opened."""


@asynccontextmanager
async def open_database(config: Config, *, on_progress: OnProgress | None = None) -> AsyncIterator[str]:
    """The address of the deployment's Postgres; the embedded one is joined, or started, and left at the end.

    Args:
        on_progress: told what takes time, in words for people.
    """
    if config.database_url is not None:
        yield config.database_url
        return
    from syncd.store import embedded

    member = _Member(config.data_dir, await embedded.join(config.data_dir, on_progress=on_progress))
    watching = asyncio.create_task(member.stay(), name="embedded-postgres")
    try:
        yield member.postgres.dsn
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        # Waiting until it stopped matters where the end of the first process ends all others, as in a container.
        await member.postgres.close(wait_stopped=True)


class _Member:
    """Our membership of the embedded Postgres, renewed when its supervisor was killed. The address stays the same."""

    def __init__(self, data_dir: Path, postgres: EmbeddedPostgres) -> None:
        self._data_dir = data_dir
        self.postgres = postgres

    async def stay(self) -> None:
        """Join again whenever it is lost, until cancelled."""
        from syncd.store import embedded

        while True:
            await self.postgres.lost()
            log.error("embedded_postgres_lost")
            await self.postgres.close()
            while True:
                try:
                    self.postgres = await embedded.join(self._data_dir)
                    break
                except Unavailable as error:
                    log.error("embedded_postgres_waits", code=error.code, error=str(error))
                    await asyncio.sleep(REJOIN_PAUSE_S)


@asynccontextmanager
async def open_deployment(
    config: Config, *, migrating: bool = True, serves_devices: bool = False, on_progress: OnProgress | None = None
) -> AsyncIterator[Deployment]:
    """Connect to everything a deployment consists of.

    Args:
        migrating: make what is missing, as tables and a topic; else all must be there already.
        serves_devices: a gateway's: devices wait for what other processes append.

    Raises:
        ConfigError: a setting cannot be used; the text says which and why.
        Unavailable: the database does not answer.
    """
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(open_database(config, on_progress=on_progress))
        if migrating:
            await migrate(dsn)
        row = await deployment_row(dsn)
        row = replace(row, log=row.log or config.log)  # the first opening writes it down
        event_log = await open_log(config, dsn, making=migrating, serves_devices=serves_devices)
        stack.push_async_callback(event_log.close)
        store = await PostgresStore.open(dsn)
        stack.push_async_callback(store.close)
        clock = SystemClock()
        accounts = await PostgresAccounts.open(dsn, clock)
        stack.push_async_callback(accounts.close)
        operators = await PostgresOperators.open(dsn, clock)
        stack.push_async_callback(operators.close)
        side_channel = await PostgresSideChannel.open(dsn)
        stack.push_async_callback(side_channel.close)
        yield Deployment(config, dsn, event_log, store, store, accounts, operators, side_channel, clock, row)
