"""The one place where ports meet adapters.

`open_deployment` gives a process its log, store and doors; `run_roles` runs gateway, projector and API on them, each
alone or all in one.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvloop

from syncd.accounts import Accounts
from syncd.accounts.service import PostgresAccounts
from syncd.api.app import create_app
from syncd.api.server import serve_http
from syncd.api.services import ApiServices, Readiness
from syncd.api.sockets import bind
from syncd.clock import Clock, SystemClock
from syncd.config import Config
from syncd.errors import ConfigError, Unavailable
from syncd.gateway.gateway import Gateway, GatewayServices
from syncd.log.port import SearchableLog
from syncd.log.postgres import PostgresLog
from syncd.metrics import Metrics
from syncd.operations.state import account_state
from syncd.projector.projector import Projector
from syncd.protocol.version import PATH
from syncd.store import embedded
from syncd.store.migrate import migrate, migration_status
from syncd.store.port import SideChannel, Store
from syncd.store.postgres import PostgresStore
from syncd.store.side_channel import PostgresSideChannel

T = TypeVar("T")
log = structlog.get_logger()

ROLES = frozenset({"gateway", "projector", "api"})
REJOIN_PAUSE_S = 1.0
"""Between attempts to have an embedded Postgres again."""
READY_TIMEOUT_S = 1.5
"""How long `/readyz` waits for the database."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a process works on."""

    config: Config
    dsn: str
    log: SearchableLog
    store: Store
    accounts: Accounts
    side_channel: SideChannel
    clock: Clock


@dataclass(frozen=True, slots=True)
class Running:
    """Where the roles of this process listen; None where a role is not here."""

    http_url: str | None
    ws_url: str | None


@asynccontextmanager
async def open_database(config: Config) -> AsyncIterator[str]:
    """The address of the deployment's Postgres; the embedded one is joined, or started, and left at the end."""
    if config.database_url is not None:
        yield config.database_url
        return
    member = _Member(config.data_dir, await embedded.join(config.data_dir))
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

    def __init__(self, data_dir: Path, postgres: embedded.EmbeddedPostgres) -> None:
        self._data_dir = data_dir
        self.postgres = postgres

    async def stay(self) -> None:
        """Join again whenever it is lost, until cancelled."""
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
async def open_deployment(config: Config, *, migrating: bool = True) -> AsyncIterator[Deployment]:
    """Connect to everything a deployment consists of.

    Args:
        migrating: apply what the database lacks; else it must be current already.

    Raises:
        ConfigError: a setting cannot be used; the text says which and why.
        Unavailable: the database does not answer.
    """
    if config.log != "postgres":
        raise ConfigError(f"SYNCD_LOG is {config.log}; this version keeps the log in Postgres only")
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(open_database(config))
        if migrating:
            await migrate(dsn)
        event_log = await PostgresLog.open(dsn)
        stack.push_async_callback(event_log.close)
        store = await PostgresStore.open(dsn)
        stack.push_async_callback(store.close)
        clock = SystemClock()
        accounts = await PostgresAccounts.open(dsn, clock)
        stack.push_async_callback(accounts.close)
        side_channel = await PostgresSideChannel.open(dsn)
        stack.push_async_callback(side_channel.close)
        yield Deployment(config, dsn, event_log, store, accounts, side_channel, clock)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a program's main coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def run_roles(
    config: Config, roles: frozenset[str], *, on_ready: Callable[[Running], None], stop: asyncio.Event
) -> None:
    """Run roles until `stop` is set; then drain: sockets first, then the projector, then the database.

    Raises:
        ConfigError, Unavailable: it could not start, or a role failed; nothing keeps running.
    """
    assert roles <= ROLES, f"unknown roles {roles - ROLES}"
    async with AsyncExitStack() as stack:
        # A port that is taken should be said before seconds go into starting a database.
        sockets = []
        if "gateway" in roles:
            sockets = await bind(config.host, config.ws_port, setting="SYNCD_WS_PORT")
            for sock in sockets:
                stack.callback(sock.close)
        ws_port = sockets[0].getsockname()[1] if sockets else config.ws_port
        deployment = await stack.enter_async_context(open_deployment(config))
        metrics = Metrics()
        gateway: Gateway | None = None
        background: list[asyncio.Task[None]] = []
        try:
            if "projector" in roles:
                projector = Projector(deployment.log, deployment.store, deployment.clock, metrics)
                background.append(asyncio.create_task(projector.run(), name="projector"))
            if "gateway" in roles:
                gateway = Gateway(_gateway_services(deployment, metrics))
                await gateway.start(sockets)
                background.append(asyncio.create_task(gateway.watch(), name="gateway"))
            http_port = None
            stop_http = asyncio.Event()
            if "api" in roles:
                app = create_app(_api_services(deployment, metrics, gateway, ws_port))
                bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                serving = serve_http(app, host=config.host, port=config.port, stop=stop_http, on_bound=bound.set_result)
                http = asyncio.create_task(serving, name="api")
                background.append(http)
                await asyncio.wait((bound, http), return_when=asyncio.FIRST_COMPLETED)
                http_port = bound.result() if bound.done() else http.result()
            # What lives until the end need not be visited by every full collection: with 10,000 connections those
            # take up to half a second (see hazards in docs/performance.md).
            gc.collect()
            gc.freeze()
            on_ready(
                Running(_url("http", config.host, http_port), _url("ws", config.host, ws_port if sockets else None))
            )
            await _until_stopped(stop, background)
        finally:
            if gateway is not None:
                await gateway.drain()
            stop_http.set()
            for task in background:
                if task.get_name() != "api":
                    task.cancel()
            await asyncio.gather(*background, return_exceptions=True)


async def _until_stopped(stop: asyncio.Event, background: Sequence[asyncio.Task[None]]) -> None:
    """Return when `stop` is set; raise what ended a role before."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((stopping, *background), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    for task in background:
        if task.done():
            task.result()


def _gateway_services(deployment: Deployment, metrics: Metrics) -> GatewayServices:
    return GatewayServices(
        log=deployment.log,
        store=deployment.store,
        accounts=deployment.accounts,
        side_channel=deployment.side_channel,
        clock=deployment.clock,
        metrics=metrics,
        region=deployment.config.region,
        origins=frozenset(deployment.config.origins),
    )


def _api_services(deployment: Deployment, metrics: Metrics, gateway: Gateway | None, ws_port: int) -> ApiServices:
    async def state(account: str) -> Mapping[str, object]:
        return await account_state(deployment.log, deployment.store, account, deployment.clock.now_ms())

    async def readiness() -> Readiness:
        draining = gateway is not None and gateway.draining
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                pending = len((await migration_status(deployment.dsn)).pending)
                lag = 0
                for partition in range(deployment.log.partitions):
                    checkpoint = await deployment.store.checkpoint(partition)
                    lag += max(0, await deployment.log.end(partition) - checkpoint.offset_next)
        except (Unavailable, TimeoutError) as error:
            reason = str(error) or f"no answer in {READY_TIMEOUT_S} s"
            return Readiness(draining=draining, database_error=reason, migrations_pending=None, lag_records=None)
        return Readiness(draining=draining, migrations_pending=pending, lag_records=lag)

    return ApiServices(
        accounts=deployment.accounts,
        account_state=state,
        readiness=readiness,
        metrics=metrics,
        clock=deployment.clock,
        ws_port=ws_port,
        public_ws_url=deployment.config.public_ws_url,
        serves_metrics=deployment.config.metrics,
    )


def _url(scheme: str, host: str, port: int | None) -> str | None:
    if port is None:
        return None
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"{scheme}://{shown}:{port}" + (PATH if scheme == "ws" else "")
