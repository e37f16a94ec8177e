"""`syncd rebuild`: build the store's cells anew from the log, while everything goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import exit_codes, options, output
from syncd.cli.confirm import DryRun
from syncd.cli.deployment import on_deployment
from syncd.cli.progress import progress

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.rebuild import Rebuilt
    from syncd.store.rebuild_port import StreamDifference


def rebuild(
    account: Annotated[
        list[str] | None,
        typer.Option(
            "--account",
            metavar="ACCOUNT",
            help="Only this account's stream and the playlists it owns; by id or name, may be repeated.",
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Build the store's cells anew from the log, and swap those that differ.

    For after an upgrade that folds events which an older version could not, and to mend what `verify` has found.
    Servers and devices go on meanwhile: a second generation is built beside the live one and swapped stream by stream,
    and devices are sent what changed. Stopped, it goes on where it was the next time. With --dry-run it ends with 1
    when something differs.
    """
    from syncd.operations import rebuild as operation

    async def work(deployment: Deployment) -> Rebuilt:
        parts = (deployment.log, deployment.store, deployment.rebuilds, deployment.clock)
        with progress("rebuilding", unit="records") as advance:
            if account:
                return await operation.rebuild_accounts(
                    *parts, deployment.accounts, account, dry_run=dry_run, progress=advance
                )
            return await operation.rebuild_all(*parts, dry_run=dry_run, progress=advance)

    rebuilt = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json({"dry_run": dry_run, **{name: getattr(rebuilt, name) for name in rebuilt.__slots__}})
    else:
        _print(rebuilt, dry_run=dry_run)
    if dry_run and rebuilt.differences:
        raise typer.Exit(exit_codes.NEGATIVE.code)


def _print(rebuilt: Rebuilt, *, dry_run: bool) -> None:
    for difference in rebuilt.differences:
        _print_stream(difference)
    if rebuilt.resumed:
        output.result(f"went on where a rebuild was stopped, {rebuilt.resumed} records in")
    if rebuilt.unreadable:
        output.result(f"{rebuilt.unreadable} records cannot be read; see `syncd dead-letters list`", style="yellow")
    if not rebuilt.differences:
        output.result(f"nothing differs: {rebuilt.records} records folded anew", style="green")
    elif dry_run:
        output.result(f"{len(rebuilt.differences)} streams differ, of {rebuilt.records} records; nothing was changed")
    else:
        swapped = f"{rebuilt.cells_changed} cells of {len(rebuilt.differences)} streams were swapped"
        output.result(f"{swapped}, after {rebuilt.records} records; devices are told", style="green")


def _print_stream(difference: StreamDifference) -> None:
    counts = {"missing": difference.missing, "not in the log": difference.extra, "different": difference.different}
    what = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    how = "devices take a snapshot" if difference.falls else "devices are sent them"
    output.result(
        f"{difference.stream}: {what}; digest {difference.live_digest} in the store, {difference.staged_digest} from "
        f"the log; {how}"
    )
    for key in difference.keys:
        output.result(f"  {output.visible(key)}")
    if difference.cells > len(difference.keys):
        output.result(f"  and {difference.cells - len(difference.keys)} keys more")
