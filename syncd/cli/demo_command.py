"""`syncd demo`: three devices in a terminal, agreeing."""

from __future__ import annotations

from syncd.cli import options


def demo(
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Show three devices in this terminal, agreeing.

    They connect to the server that runs on the same data folder; one of them is taken offline and comes back.
    """
    from syncd.cli.demo import run_demo
    from syncd.config import load

    run_demo(load(flags={"data_dir": data_dir}, file=config_file))
