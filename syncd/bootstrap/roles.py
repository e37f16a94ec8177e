"""The roles of one process, on one deployment: how they start, and in which order they stop.

What only one role needs is imported where that role starts: a projector waits for no HTTP server, and no gateway.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from syncd import compiled
from syncd.api.sockets import bind
from syncd.bootstrap import Running
from syncd.bootstrap.collector import calm_collector
from syncd.bootstrap.deployment import Deployment, OnProgress, open_deployment
from syncd.bootstrap.figures import OwnFigures, is_on, report_figures
from syncd.bootstrap.life import until_life_ends
from syncd.bootstrap.present_log import shares_of
from syncd.config import Config
from syncd.errors import ConfigError, PositionLost, Unavailable
from syncd.logs import get_logger
from syncd.metrics import Metrics
from syncd.postgres.database import Database
from syncd.postgres.niceness import lower_backends, lower_session
from syncd.protocol.version import PATH
from syncd.store.deployment_row import LOOK_S, until_log_moves
from syncd.traces import Traces

if TYPE_CHECKING:
    from syncd.bootstrap.http import Http
    from syncd.gateway.gateway import Gateway
    from syncd.projector.projector import Projector

log = get_logger("bootstrap")

REOPEN_PAUSE_S = 0.2
"""Between attempts to open a log that moves."""


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
            log.info("ready", build=compiled.ABOUT)
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
        if roles == {"projector"}:
            await _let_gateways_go_first(config)
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
        own = OwnFigures(metrics, deployment.clock, roles)
        gateway: Gateway | None = None
        http: Http | None = None
        background: list[asyncio.Task[None]] = []
        try:
            if "projector" in roles:
                projector = _projector(deployment, metrics, traces)
                background.append(asyncio.create_task(projector.run(), name="projector"))
            if "gateway" in roles:
                gateway = await _start_gateway(deployment, metrics, traces, sockets)
                background.append(asyncio.create_task(gateway.watch(), name="gateway"))
            if is_on(config):
                background.append(asyncio.create_task(report_figures(deployment, own), name="figures"))
            if "api" in roles or config.metrics_port is not None:
                from syncd.bootstrap.http import Http

                http = Http(deployment, metrics, own, gateway)
                await http.start(stack, roles, ws_port=ws_port)
            calm_collector()
            on_ready(
                Running(
                    _url("http", config.host, http.port if http else None),
                    _url("ws", config.host, ws_port if sockets else None),
                    _url("http", config.host, http.metrics_port if http else None),
                )
            )
            watching = asyncio.create_task(until_log_moves(deployment.dsn, deployment.row), name="log")
            background.append(watching)
            life = until_life_ends(deployment.log, deployment.clock)
            background.append(asyncio.create_task(life, name="life"))
            await _until_stopped(stop, [*background, *(http.serving if http else ())], watching)
        finally:
            if gateway is not None:
                await gateway.drain()
            if http is not None:
                http.stop()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, *(http.serving if http else ()), return_exceptions=True)


async def _let_gateways_go_first(config: Config) -> None:
    """Nobody waits for what is folded some milliseconds later, and everybody for a delta (decision 31)."""
    if config.projector_nice:
        await lower_session(os.getpid(), config.projector_nice)
        if config.database_url is None:
            lower_backends(config.projector_nice)


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


def _projector(deployment: Deployment, metrics: Metrics, traces: Traces | None) -> Projector:
    from syncd.projector.projector import Projector

    shares = shares_of(deployment.config, deployment.log)
    return Projector(deployment.log, deployment.store, deployment.clock, metrics, shares=shares, traces=traces)


async def _start_gateway(
    deployment: Deployment, metrics: Metrics, traces: Traces | None, sockets: Sequence[socket.socket]
) -> Gateway:
    from syncd.gateway.gateway import Gateway, GatewayServices

    config = deployment.config
    gateway = Gateway(
        GatewayServices(
            log=deployment.log,
            store=deployment.store,
            accounts=deployment.accounts,
            side_channel=deployment.side_channel,
            clock=deployment.clock,
            metrics=metrics,
            region=config.region,
            public_ws_url=config.public_ws_url,
            origins=frozenset(config.origins),
            list_items_max=config.list_items_max,
            traces=traces,
        )
    )
    await gateway.start(sockets)
    return gateway


def _url(scheme: str, host: str, port: int | None) -> str | None:
    if port is None:
        return None
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"{scheme}://{shown}:{port}" + (PATH if scheme == "ws" else "")
