"""`syncd gateway`, `syncd projector`, `syncd api`: one role a process, many of each on one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.cli import options, output

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syncd.bootstrap import Running


def gateway(
    host: options.Host = None,
    ws_port: options.WsPort = None,
    metrics_port: options.MetricsPort = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Run a gateway alone: the websockets of devices.

    Many may run on one database. Ctrl-C or SIGTERM stops it, after telling devices to come back.
    """
    flags = {"host": host, "ws_port": ws_port, "metrics_port": metrics_port, "data_dir": data_dir}
    _run("gateway", config_file, flags, as_json=as_json)


def projector(
    host: options.Host = None,
    metrics_port: options.MetricsPort = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Run a projector alone: from the log to state.

    Several share the partitions; when one dies, another takes its share over within seconds.
    """
    flags = {"host": host, "metrics_port": metrics_port, "data_dir": data_dir}
    _run("projector", config_file, flags, as_json=as_json)


def api(
    host: options.Host = None,
    port: options.Port = None,
    ws_port: options.WsPort = None,
    metrics_port: options.MetricsPort = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Run the HTTP API alone: the page, state, health, metrics.

    --ws-port, or SYNCD_PUBLIC_WS_URL, says where devices find a gateway.
    """
    flags = {"host": host, "port": port, "ws_port": ws_port, "metrics_port": metrics_port, "data_dir": data_dir}
    _run("api", config_file, flags, as_json=as_json)


def _run(role: str, config_file: Path | None, flags: Mapping[str, object], *, as_json: bool) -> None:
    from syncd.cli.server import run_server
    from syncd.config import load

    async def welcome(running: Running) -> None:
        if as_json:
            urls = {"http_url": running.http_url, "ws_url": running.ws_url, "metrics_url": running.metrics_url}
            output.result_json(urls)
        else:
            where = running.ws_url or running.http_url
            output.result(f"{role} is ready" + (f" at {where}" if where else ""))
            if running.metrics_url is not None:
                output.result(f"metrics at {running.metrics_url}/metrics")

    run_server(load(flags=flags, file=config_file), frozenset({role}), welcome)
