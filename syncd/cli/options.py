"""Options and arguments that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings. Without it: ./syncd.toml, if it is there."),
]
DataDir: TypeAlias = Annotated[
    Path | None, typer.Option("--data-dir", metavar="FOLDER", help="Where the embedded Postgres lives.")
]
Host: TypeAlias = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")]
Port: TypeAlias = Annotated[int | None, typer.Option("--port", metavar="PORT", help="Of HTTP; 0 takes a free one.")]
WsPort: TypeAlias = Annotated[
    int | None, typer.Option("--ws-port", metavar="PORT", help="Of websockets; 0 takes a free one.")
]
MetricsPort: TypeAlias = Annotated[
    int | None,
    typer.Option("--metrics-port", metavar="PORT", help="Serve health and metrics here, too; 0 takes a free one."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
AccountName: TypeAlias = Annotated[str, typer.Argument(metavar="ACCOUNT", help="An account's id or name.")]
DeviceId: TypeAlias = Annotated[str, typer.Argument(metavar="DEVICE", help="A device's id.")]
PlaylistStream: TypeAlias = Annotated[
    str | None, typer.Option("--stream", metavar="STREAM", help="A playlist's stream, `p:…`, instead of the account's.")
]


def read_moment(text: str | None, option: str) -> int | None:
    """The time that an option gives, ms since the Unix epoch; a text that is none is wrong usage."""
    from syncd.clock import SystemClock
    from syncd.errors import Refused
    from syncd.operations.moment import parse_moment

    if text is None:
        return None
    try:
        return parse_moment(text, now_ms=SystemClock().now_ms())
    except Refused as error:
        raise typer.BadParameter(f"{option}: {error}") from error


def known_partitions(asked: list[int] | None, count: int) -> list[int]:
    """Those that an option names, or all; a number that there is none of is wrong usage."""
    for number in asked or ():
        if number >= count:
            raise typer.BadParameter(f"there is no partition {number}; there are {count}, from 0")
    return sorted(set(asked)) if asked else list(range(count))
