"""All commands of `syncd`, in the order of its help. Importing this must stay cheap: `syncd --help` waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import typer

import syncd
from syncd import compiled
from syncd.cli import (
    account,
    backup,
    config,
    dead_letters,
    demo_command,
    device,
    doctor,
    erase,
    export,
    import_file,
    log,
    migrate,
    move_log,
    operator,
    output,
    repartition,
    replay,
    roles,
    schemas,
    serve,
)
from syncd.cli import rebuild as rebuild_command
from syncd.cli import state as state_command
from syncd.cli import timeline as timeline_command
from syncd.cli import verify as verify_command
from syncd.cli import why as why_command

RUN: Final = "Run"
MANAGE: Final = "Accounts, devices, operators"
LOOK: Final = "Look inside"
KEEP: Final = "Keep in order"
MOVE: Final = "Move and keep copies"

app = typer.Typer(
    name="syncd",
    help="Every device of an account shows one truth: what is playing where, queue, playlists, library, progress.",
    epilog="Start with: syncd serve",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # paragraphs are laid out for the terminal's width
    pretty_exceptions_enable=False,  # errors are worded in syncd.cli.run
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.result(f"syncd {syncd.__version__}" + (", compiled" if compiled.IS_COMPILED else ""))
        raise typer.Exit


@app.callback()
def syncd_(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


def _command(function: Callable[..., None], panel: str, *, example: str, name: str | None = None) -> None:
    app.command(name, rich_help_panel=panel, epilog=f"Example: {example}")(function)


_command(serve.serve, RUN, example="syncd serve --data-dir ./syncd-data")
_command(demo_command.demo, RUN, example="syncd demo")
_command(roles.gateway, RUN, example="SYNCD_DATABASE_URL=postgresql://db/syncd syncd gateway --host 0.0.0.0")
_command(roles.projector, RUN, example="SYNCD_DATABASE_URL=postgresql://db/syncd syncd projector")
_command(roles.api, RUN, example="SYNCD_DATABASE_URL=postgresql://db/syncd syncd api --host 0.0.0.0")
app.add_typer(account.app, name="account", rich_help_panel=MANAGE)
app.add_typer(device.app, name="device", rich_help_panel=MANAGE)
app.add_typer(operator.app, name="operator", rich_help_panel=MANAGE)
_command(state_command.state, LOOK, example="syncd state alice --at 15m")
_command(why_command.why, LOOK, example="syncd why alice settings/theme")
_command(timeline_command.timeline, LOOK, example="syncd timeline alice --since 15m --key 'settings/*'")
_command(replay.replay, LOOK, example="syncd replay --account alice --since 1h --speed 10")
app.add_typer(log.app, name="log", rich_help_panel=LOOK)
app.add_typer(config.app, name="config", rich_help_panel=LOOK)
_command(doctor.doctor, KEEP, example="syncd doctor")
_command(verify_command.verify, KEEP, example="syncd verify --seed 7")
_command(rebuild_command.rebuild, KEEP, example="syncd rebuild --account alice")
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=KEEP)
_command(repartition.repartition, KEEP, example="syncd repartition 12")
_command(move_log.move_log, KEEP, example="syncd move-log kafka://broker:9092/syncd", name="move-log")
app.add_typer(migrate.app, name="migrate", rich_help_panel=KEEP)
_command(schemas.schemas, KEEP, example="syncd schemas --check")
_command(export.export, MOVE, example="syncd export alice --to alice.jsonl.gz")
_command(import_file.import_file, MOVE, example="syncd import alice.jsonl.gz", name="import")
_command(backup.backup, MOVE, example="syncd backup /backups/2025-11-23")
_command(backup.restore, MOVE, example="syncd restore /backups/2025-11-23 --replace")
_command(erase.erase, MANAGE, example="syncd erase alice --dry-run")
