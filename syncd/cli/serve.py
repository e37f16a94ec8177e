"""`syncd serve`: everything in one process."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from syncd.cli import options, output

if TYPE_CHECKING:
    from syncd.bootstrap import Running
    from syncd.config import Config
    from syncd.operations.demo_account import DemoLogin
    from syncd.operations.local_operator import LocalOperator


def serve(
    host: options.Host = None,
    port: options.Port = None,
    ws_port: options.WsPort = None,
    metrics_port: options.MetricsPort = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo/--no-demo", help="Make an account and an operator to try things with, where there is none yet."
        ),
    ] = True,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Run everything in one process, on an embedded Postgres.

    Gateway, projector and API; prints a ready-made link to open. Ctrl-C or SIGTERM stops it: devices are told to come
    back, and nothing is lost. With SYNCD_DATABASE_URL it runs on a Postgres of your own.
    """
    from syncd.bootstrap import ROLES
    from syncd.cli.server import run_server
    from syncd.config import load

    flags = {"host": host, "port": port, "ws_port": ws_port, "metrics_port": metrics_port, "data_dir": data_dir}
    config = load(flags=flags, file=config_file)

    async def welcome(running: Running) -> None:
        login, operator = await _logins(config) if demo else (None, None)
        for made in (login, operator):
            if made is not None and made.problem:
                output.note(f"syncd: the next start will not show this link again: {made.problem}")
        if as_json:
            output.result_json(_document(config, running, login, operator))
        else:
            _print(config, running, login, operator)

    run_server(config, ROLES, welcome)


async def _logins(config: Config) -> tuple[DemoLogin | None, LocalOperator | None]:
    from syncd import bootstrap
    from syncd.operations.demo_account import demo_login
    from syncd.operations.local_operator import local_operator

    async with bootstrap.open_deployment(config) as deployment:
        login = await demo_login(deployment.accounts, deployment.log, deployment.clock, config.data_dir)
        operator = None
        if config.console != "off":
            operator = await local_operator(deployment.operators, config.data_dir)
        return login, operator


def _document(
    config: Config, running: Running, login: DemoLogin | None, operator: LocalOperator | None
) -> dict[str, object]:
    return {
        "http_url": running.http_url,
        "ws_url": running.ws_url,
        "metrics_url": running.metrics_url,
        "link": _link(running, login),
        "account": None if login is None else login.account,
        "device": None if login is None else login.device,
        "token": None if login is None else login.token,
        "console": _console(config, running, operator),
        "data_dir": None if config.database_url is not None else config.data_dir,
    }


def _link(running: Running, login: DemoLogin | None) -> str | None:
    """A link that opens the page and logs in. The fragment is never sent to any server, nor does it stand in logs."""
    return None if login is None else f"{running.http_url}/#token={login.token}"


def _console(config: Config, running: Running, operator: LocalOperator | None) -> str | None:
    """A link that opens the console, and logs in where we have an operator for it."""
    if config.console == "off":
        return None
    return f"{running.http_url}/console" + ("" if operator is None else f"#token={operator.token}")


def _print(config: Config, running: Running, login: DemoLogin | None, operator: LocalOperator | None) -> None:
    command = _command()
    output.result("syncd is ready", style="bold green")
    if login is not None:
        output.result(f"  open     {_link(running, login)}")
        output.result(f"  token    {login.token}")
    else:
        output.result(f"  open     {running.http_url}/")
        output.result(f"  link     {command} device link ACCOUNT --name NAME")
    if config.console != "off":
        output.result(f"  console  {_console(config, running, operator)}")
    output.result(f"  sockets  {running.ws_url}")
    output.result(f"  data     {'your own Postgres' if config.database_url is not None else config.data_dir}")
    if login is not None:
        output.result(f"  try      {command} demo{_same_server(config, running)}    in a second terminal")
    output.result("  stop     Ctrl-C")


def _command() -> str:
    """How this program was called, so that it can be called so again."""
    called = sys.argv[0]
    if called.endswith("__main__.py"):
        return f"{sys.executable} -m syncd.cli"
    name = Path(called).name
    return name if shutil.which(name) == called else called


def _same_server(config: Config, running: Running) -> str:
    """The options with which a command in a second terminal finds this server, where it would not by itself."""
    from syncd.config import load

    assert running.ws_url is not None
    ws_port = urlsplit(running.ws_url).port
    # A second terminal, opened in the same folder, sees the same file, but neither our flags nor our environment.
    there = load(environ={})
    options = ""
    if config.host != there.host:
        options += f" --host {config.host}"
    if ws_port != there.ws_port:
        options += f" --ws-port {ws_port}"
    if config.data_dir != there.data_dir and config.database_url is None:
        options += f" --data-dir {config.data_dir}"
    return options
