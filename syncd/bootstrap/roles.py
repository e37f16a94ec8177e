"""The roles of one process, on one deployment: how they start, and in which order they stop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from urllib.parse import urlsplit

from syncd.accounts import Device, LinkedDevice
from syncd.api.app import create_app, create_probe_app
from syncd.api.console_services import ConsoleServices
from syncd.api.server import HttpListeners
from syncd.api.services import ApiServices, GatewayAddress, ProbeServices, Readiness
from syncd.api.sockets import bind
from syncd.bootstrap import Running
from syncd.bootstrap.collector import calm_collector
from syncd.bootstrap.console import OwnFigures, is_on, open_console, process_name, report_figures
from syncd.bootstrap.deployment import Deployment, OnProgress, open_deployment
from syncd.bootstrap.life import until_life_ends
from syncd.bootstrap.present_log import shares_of
from syncd.config import Config
from syncd.errors import ConfigError, LogUnavailable, PositionLost, Unavailable
from syncd.gateway.gateway import Gateway, GatewayServices
from syncd.gateway.owners import Owners, ranked
from syncd.logs import get_logger
from syncd.metrics import Metrics
from syncd.operations import devices
from syncd.operations.console.panel import Panel
from syncd.operations.state import account_state
from syncd.postgres.database import Database
from syncd.projector.projector import Projector
from syncd.protocol.version import PATH
from syncd.store.deployment_row import LOOK_S, until_log_moves
from syncd.store.migrate import migration_status
from syncd.traces import Traces

log = get_logger("bootstrap")

REOPEN_PAUSE_S = 0.2
"""Between attempts to open a log that moves."""
READY_TIMEOUT_S = 1.5
"""How long `/readyz` waits for the database."""


class LogMoves(Exception):
    """The log is about to be somewhere else, or lives another life."""


async def serve(
    config: Config, roles: frozenset[str], *, on_ready: Callable[[Running], None], stop: asyncio.Event,
    on_progress: OnProgress | None,
) -> None:  # fmt: skip
    """See `syncd.bootstrap.run_roles`.

    When the log moves (`syncd move-log`) or begins another life, everything is drained and opened anew, on the same
    ports: devices come back by themselves.
    """
    first: Running | None = None
    is_reopening = False

    def is_ready(running: Running) -> None:
        nonlocal first, is_reopening
        is_reopening = False
        if first is None:
            first = running
            on_ready(running)

    while not (is_reopening and stop.is_set()):
        try:
            await _serve_one_log(config, roles, on_ready=is_ready, stop=stop, on_progress=on_progress)
            return
        except LogMoves:
            is_reopening = True
            log.warning("log_moves")
            assert first is not None, "the log is watched from when everything is ready"
            config = _on_ports_of(first, config)
        except Unavailable as error:
            if not is_reopening:
                raise
            log.warning("log_moves", code=error.code, error=str(error))
            await asyncio.sleep(REOPEN_PAUSE_S)


def _on_ports_of(running: Running, config: Config) -> Config:
    """The settings with the ports that were taken the first time, also where any free one was asked for."""
    return replace(
        config,
        port=_port(running.http_url) or config.port,
        ws_port=_port(running.ws_url) or config.ws_port,
        metrics_port=_port(running.metrics_url),
    )


def _port(url: str | None) -> int | None:
    return None if url is None else urlsplit(url).port


async def _serve_one_log(
    config: Config, roles: frozenset[str], *, on_ready: Callable[[Running], None], stop: asyncio.Event,
    on_progress: OnProgress | None,
) -> None:  # fmt: skip
    """Serve until `stop` is set. Raises `LogMoves`, or what ended a role."""
    async with AsyncExitStack() as stack:
        # A port that is taken should be said before seconds go into starting a database.
        sockets = []
        if "gateway" in roles:
            sockets = await bind(config.host, config.ws_port, setting="SYNCD_WS_PORT")
            for sock in sockets:
                stack.callback(sock.close)
        ws_port = sockets[0].getsockname()[1] if sockets else config.ws_port
        deployment = await stack.enter_async_context(
            open_deployment(config, serves_devices="gateway" in roles, on_progress=on_progress)
        )
        traces = open_traces(config)
        if traces is not None:
            stack.push_async_callback(asyncio.to_thread, traces.close)
        metrics = Metrics(partitions=deployment.log.partitions)
        metrics.before_scrape.append(lambda: setattr(metrics, "statements", Database.statements))
        process, own = process_name(), OwnFigures(metrics, deployment.clock)
        panel: Panel | None = None
        gateway: Gateway | None = None
        background: list[asyncio.Task[None]] = []
        http = HttpListeners()
        try:
            if "projector" in roles:
                shares = shares_of(config, deployment.log)
                projector = Projector(
                    deployment.log, deployment.store, deployment.clock, metrics, shares=shares, traces=traces
                )  # fmt: skip
                background.append(asyncio.create_task(projector.run(), name="projector"))
            if "gateway" in roles:
                gateway = Gateway(_gateway_services(deployment, metrics, traces))
                await gateway.start(sockets)
                background.append(asyncio.create_task(gateway.watch(), name="gateway"))
            probes = _probe_services(deployment, metrics, gateway)
            http_port = metrics_port = None
            if is_on(config):
                reporting = report_figures(deployment, own, process, roles)
                background.append(asyncio.create_task(reporting, name="figures"))
            if "api" in roles:
                console = None
                if is_on(config):
                    opened = open_console(deployment, own, process, roles)
                    console, panel = await stack.enter_async_context(opened)
                app = create_app(_api_services(deployment, probes, ws_port, console))
                http_port = await http.start(app, config.host, config.port, setting="SYNCD_PORT")
            if config.metrics_port is not None:
                app = create_probe_app(probes)
                metrics_port = await http.start(app, config.host, config.metrics_port, setting="SYNCD_METRICS_PORT")
            calm_collector()
            on_ready(
                Running(
                    _url("http", config.host, http_port),
                    _url("ws", config.host, ws_port if sockets else None),
                    _url("http", config.host, metrics_port),
                )
            )
            watching = asyncio.create_task(until_log_moves(deployment.dsn, deployment.row), name="log")
            background.append(watching)
            life = until_life_ends(deployment.log, deployment.clock)
            background.append(asyncio.create_task(life, name="life"))
            await _until_stopped(stop, [*background, *http.serving], watching)
        finally:
            if gateway is not None:
                await gateway.drain()
            if panel is not None:
                panel.close()
            http.stop.set()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, *http.serving, return_exceptions=True)


def open_traces(config: Config) -> Traces | None:
    """Where spans go; None where traces are off, which is then the end of it."""
    if config.traces_url is None:
        return None
    try:
        from syncd.traces.otel import OtelTraces
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"SYNCD_TRACES_URL is set and OpenTelemetry is missing ({error.name}): pip install 'syncd[traces]'"
        ) from error
    return OtelTraces.to(config.traces_url, permille=config.traces_permille)


async def _until_stopped(
    stop: asyncio.Event, background: Sequence[asyncio.Task[None]], watching: asyncio.Task[None]
) -> None:
    """Return when `stop` is set; raise what ended a role before, or `LogMoves`."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((stopping, *background), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    try:
        for task in background:
            if task.done():
                task.result()
    except PositionLost:
        # A role noticed it a moment before we look.
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * LOOK_S):
                await asyncio.wait((watching,))
        if not watching.done():
            raise
    if watching.done() and not stop.is_set():
        raise LogMoves


def _gateway_services(deployment: Deployment, metrics: Metrics, traces: Traces | None) -> GatewayServices:
    return GatewayServices(
        log=deployment.log,
        store=deployment.store,
        accounts=deployment.accounts,
        side_channel=deployment.side_channel,
        clock=deployment.clock,
        metrics=metrics,
        region=deployment.config.region,
        public_ws_url=deployment.config.public_ws_url,
        origins=frozenset(deployment.config.origins),
        list_items_max=deployment.config.list_items_max,
        traces=traces,
    )


def _probe_services(deployment: Deployment, metrics: Metrics, gateway: Gateway | None) -> ProbeServices:
    async def readiness() -> Readiness:
        draining = gateway is not None and gateway.draining
        pending, lag, folded = None, 0, None
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                pending = len((await migration_status(deployment.dsn)).pending)
                partitions = range(deployment.log.partitions)
                folded = [(await deployment.store.checkpoint(partition)).offset_next for partition in partitions]
                for partition in partitions:
                    lag += max(0, await deployment.log.end(partition) - folded[partition])
        except (Unavailable, PositionLost, TimeoutError) as error:
            reason = str(error) or f"no answer in {READY_TIMEOUT_S} s"
            if folded is not None:
                return Readiness(draining=draining, log_error=reason, migrations_pending=pending, lag_records=None)
            return Readiness(draining=draining, database_error=reason, migrations_pending=pending, lag_records=None)
        return Readiness(draining=draining, migrations_pending=pending, lag_records=lag)

    return ProbeServices(
        readiness=readiness,
        metrics=metrics,
        clock=deployment.clock,
        serves_metrics=deployment.config.metrics,
    )


def _api_services(
    deployment: Deployment, probes: ProbeServices, ws_port: int, console: ConsoleServices | None
) -> ApiServices:
    async def state(account: str) -> Mapping[str, object]:
        try:
            return await account_state(deployment.log, deployment.store, account, deployment.clock.now_ms())
        except PositionLost as error:  # the log begins another life, or moves; in a moment we have opened it anew
            raise LogUnavailable(str(error)) from error

    async def link(account: str, name: str) -> LinkedDevice:
        return await devices.link_device(deployment.accounts, deployment.log, deployment.clock, account, name=name)

    async def revoke(device: str) -> Device:
        return await devices.revoke_device(
            deployment.accounts, deployment.log, deployment.side_channel, deployment.clock, device
        )

    owners = Owners(deployment.store)

    async def gateways(account: str | None) -> Sequence[GatewayAddress]:
        live = list(await owners.live())
        if account is None:
            random.shuffle(live)
        else:
            live = ranked(deployment.log.partition_of(f"a:{account}"), live)
        return [GatewayAddress(each.ws_url, each.ws_port) for each in live]

    return ApiServices(
        accounts=deployment.accounts,
        account_state=state,
        link_device=link,
        revoke_device=revoke,
        probes=probes,
        ws_port=ws_port,
        public_ws_url=deployment.config.public_ws_url,
        gateways=gateways,
        list_items_max=deployment.config.list_items_max,
        origins=deployment.config.origins,
        console=console,
    )


def _url(scheme: str, host: str, port: int | None) -> str | None:
    if port is None:
        return None
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"{scheme}://{shown}:{port}" + (PATH if scheme == "ws" else "")
