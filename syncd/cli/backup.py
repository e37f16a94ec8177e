"""`syncd backup` and `syncd restore`: everything as it was at one moment, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from syncd.cli import options, output
from syncd.cli.confirm import DryRun, Yes, confirm
from syncd.cli.deployment import settings_of
from syncd.cli.progress import phase, progress

KAFKA_LOG: Final = (
    "the log is in Kafka and no part of the backup: keep the topic, or back it up with Kafka's own tools; after a "
    "restore the projector goes on in it from where the backup was"
)
LOST: Final = "What was acked after the backup and is on no device's list of things owed is gone."
AFTERWARDS: Final = (
    "Devices that come back take a snapshot, and send what they still owe.",
    "Devices linked since the backup must be linked again. Devices revoked since then must be revoked again, and "
    "accounts erased since then erased again: the backup does not know of it.",
)
"""What an operator must know of a restored deployment."""


def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to put it; must not be there yet.")],
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Copy everything in the database, as it is at one moment, into a new folder. Servers may run.

    Accounts, devices with the hashes of their tokens, the log where it is in Postgres, and state. `syncd restore` puts
    it into any Postgres from 15 on. Nothing is migrated. Interrupted, nothing of it stays.
    """
    from syncd import bootstrap
    from syncd.clock import SystemClock
    from syncd.operations.backup.manifest import POSTGRES

    config = settings_of(config_file, data_dir)
    with progress("backing up", unit="bytes") as advance:
        work = bootstrap.back_up_deployment(config, folder, now_ms=SystemClock().now_ms(), progress=advance)
        manifest = bootstrap.run(work)
    in_kafka = manifest.log != POSTGRES
    if as_json:
        output.result_json(
            {"folder": folder, "bytes": manifest.bytes, "taken_ms": manifest.taken_ms, "log_included": not in_kafka}
        )
        return
    output.result(f"{len(manifest.tables)} tables in {folder}, {manifest.bytes} bytes", style="green")
    if in_kafka:
        output.note(KAFKA_LOG)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Written by `syncd backup`.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite accounts and events that are in the database.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Put a backup into the database that the settings name, and begin a new life of the log.

    Servers must be stopped. A database that somebody lives in is refused without --replace. The backup is proven whole
    before anything is touched; interrupted, the command can be run again. With --dry-run it is only proven.
    """
    from syncd import bootstrap
    from syncd.operations.backup.manifest import POSTGRES
    from syncd.operations.backup.restoring import check_backup
    from syncd.operations.moment import moment

    config = settings_of(config_file, data_dir)
    with progress("checking", unit="bytes") as advance:
        manifest = check_backup(folder, progress=advance)
    taken = f"the backup of {moment(manifest.taken_ms)}"
    if not dry_run:
        if replace:
            confirm(f"Overwrite the database with {taken}?", yes=yes)
        bootstrap.run(bootstrap.restore_deployment(config, folder, manifest, replace=replace, phase=phase))
    if as_json:
        output.result_json({"done": not dry_run, "taken_ms": manifest.taken_ms, "bytes": manifest.bytes})
        return
    output.result(f"{taken} is " + ("whole" if dry_run else "restored"), style="green")
    if not dry_run:
        for line in (*AFTERWARDS, *([LOST] if manifest.log == POSTGRES else [])):
            output.note(line)
