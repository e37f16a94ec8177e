"""`syncd export`: an account, or everything, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment, place_of
from syncd.cli.progress import progress

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.transfer.file import Written


def export(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write it, as alice.jsonl.gz.")],
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="An account's id or name, unless --all is given.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole deployment.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Write an account with its events, the playlists it owns and its devices into a file, or all of the deployment.

    JSON lines, compressed by gzip; the last line proves that nothing is missing. Tokens are not in it: where it is
    imported, people link their devices again. To keep logins as well, see `syncd backup`. Servers may run.
    """
    if (account is None) == (not everything):
        raise typer.BadParameter("name an account, or say --all")

    async def work(deployment: Deployment) -> Written:
        from syncd.operations.transfer.file import write_file
        from syncd.operations.transfer.gather import Selection, gather

        found = None if account is None else await deployment.accounts.find(account)
        with progress("exporting", unit="records") as advance:
            content = gather(place_of(deployment), Selection(found), progress=advance)
            what = "deployment" if found is None else found.account
            return await write_file(to, content, what=what, now_ms=deployment.clock.now_ms(), replace=force)

    written = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(
            {"file": written.path, "bytes": written.bytes_, "lines": written.lines, "records": written.records}
        )
    else:
        output.result(f"{written.records} records in {written.path}, {written.bytes_} bytes", style="green")
