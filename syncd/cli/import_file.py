"""`syncd import`: what an export wrote, into this deployment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.confirm import DryRun
from syncd.cli.deployment import on_deployment, place_of
from syncd.cli.progress import phase

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.transfer.delivery import Delivered


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Written by `syncd export` or `syncd replay`.")],
    dry_run: DryRun = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Bring an export into this deployment, which need not be empty. Servers may run; devices see it come.

    Events keep their ids, and what is there already is left alone: a second import changes nothing, and one that was
    interrupted goes on when it is run again. The file is proven whole, and free of conflicts, before anything is
    written. Devices come without their tokens: link new ones.
    """

    async def work(deployment: Deployment) -> Delivered:
        from syncd.operations.transfer.importing import import_file

        return await import_file(place_of(deployment), file, phase=phase, check_only=dry_run)

    done = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json({"done": not dry_run, **{name: getattr(done, name) for name in done.__slots__}})
    elif dry_run:
        output.result("the file is whole, and nothing stands against importing it", style="green")
    else:
        output.result(
            f"{done.appended} records appended, {done.known} were there; {done.accounts} accounts with "
            f"{done.devices} devices, {done.playlists} playlists",
            style="green",
        )
