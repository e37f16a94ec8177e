"""`syncd demo`: three devices in a terminal, agreeing."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli import options


def demo(
    host: options.Host = None,
    ws_port: options.WsPort = None,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", metavar="SECONDS", min=0, help="How long it takes; 0: as fast as it can."),
    ] = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Show three devices in this terminal, agreeing.

    They connect to the server that runs on the same data folder; one of them is taken offline and comes back.
    """
    from syncd.cli.demo import SECONDS, run_demo
    from syncd.config import load

    config = load(flags={"host": host, "ws_port": ws_port, "data_dir": data_dir}, file=config_file)
    run_demo(config, seconds=SECONDS if seconds is None else seconds, as_json=as_json)
