"""`syncd migrate`: the database's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import exit_codes, options, output

if TYPE_CHECKING:
    from pathlib import Path

    from syncd.config import Config
    from syncd.store.migrate import MigrationStatus

app = typer.Typer(
    invoke_without_command=True,
    help="Bring the database's tables up to date.\n\nServers and commands do so by themselves when they start; this is "
    "for those who want it done before.",
)


@app.callback(epilog="Example: syncd migrate")
def migrate(
    context: typer.Context,
    new_epoch: Annotated[
        bool,
        typer.Option(
            "--new-epoch",
            help="Afterwards, begin a new life of the log: for a database that was restored from a copy of its files. "
            "Every device takes a snapshot; servers that run open the log anew.",
        ),
    ] = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    if context.invoked_subcommand is not None:
        return
    from syncd import bootstrap
    from syncd.store import migrate as migrations

    config = _config(config_file, data_dir)

    async def main() -> list[str]:
        async with bootstrap.open_database(config) as dsn:
            applied = await migrations.migrate(dsn)
            if new_epoch:
                await migrations.new_epoch(dsn)
            return applied

    applied = bootstrap.run(main())
    if as_json:
        output.result_json({"applied": applied, "new_epoch": new_epoch})
        return
    for name in applied:
        output.result(f"applied {name}")
    if not applied:
        output.result("nothing to apply")
    if new_epoch:
        output.result("the log has a new epoch; servers that run open it anew")


@app.command(epilog="Example: syncd migrate status")
def status(
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Show what is applied and what is not; changes nothing. Ends with 1 unless the tables are just what is needed."""
    from syncd import bootstrap
    from syncd.store.migrate import migration_status

    config = _config(config_file, data_dir)

    async def main() -> MigrationStatus:
        async with bootstrap.open_database(config) as dsn:
            return await migration_status(dsn)

    found = bootstrap.run(main())
    if as_json:
        output.result_json(found)
    else:
        for state, names in (("applied", found.applied), ("pending", found.pending), ("unknown", found.unknown)):
            for name in names:
                output.result(f"{state}  {name}")
    if not found.current:
        raise typer.Exit(exit_codes.NEGATIVE.code)


def _config(config_file: Path | None, data_dir: Path | None) -> Config:
    from syncd.config import load
    from syncd.logs import configure_logs

    config = load(flags={"data_dir": data_dir}, file=config_file)
    configure_logs(form=config.log_format, level="warning")
    return config
