"""`syncd erase`: forget an account for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from syncd.cli import options, output
from syncd.cli.confirm import DryRun, Yes, confirm
from syncd.cli.deployment import on_deployment
from syncd.cli.progress import progress

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.erase import Erased, Plan

REMAINS: Final = (
    "Not reached: backups and exports, which age elsewhere; what its devices have stored; and the pages of the "
    "database's files, until Postgres has vacuumed and reused them."
)
LOG_REMAINS: Final = (
    "The log is in Kafka, where records cannot be overwritten: the account's stay in the topic until its retention "
    "deletes them, and a rebuild from it would bring the cells back. Nobody can log in to see them."
)


def erase(
    account: options.AccountName,
    hand_over: Annotated[
        bool,
        typer.Option("--hand-over", help="Playlists with other members go to the first of them, an editor if any."),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Forget an account for good: devices, tokens, state, its records in the log, and the playlists it owns.

    What it put into other people's playlists stays there, without its name. Its devices are shut out first, their
    sockets close within 5 s. Servers may run. Interrupted, run it again.
    """

    async def work(deployment: Deployment) -> tuple[Plan, Erased | None]:
        from syncd.operations.erase import Eraser

        work = deployment
        eraser = Eraser(work.log, work.store, work.accounts, work.side_channel, work.clock)
        plan = await eraser.plan(await work.accounts.find(account), hand_over=hand_over)
        if not as_json:
            _print_plan(plan)
        if dry_run:
            return plan, None
        confirm(f"Erase account {plan.account.name} ({plan.account.account}) for good?", yes=yes)
        with progress("erasing", unit="streams") as advance:
            return plan, await eraser.erase(plan, progress=advance)

    plan, erased = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json({"done": erased is not None, "plan": plan, "erased": erased})
    elif erased is not None:
        output.result(f"erased: {erased.records} records, {erased.cells} cells; the account is gone", style="green")
    output.note(LOG_REMAINS if plan.log_remains else REMAINS)


def _print_plan(plan: Plan) -> None:
    output.result(output.visible(f"account {plan.account.account} ({plan.account.name})"), style="bold")
    output.result(f"  {len(plan.devices)} device{'' if len(plan.devices) == 1 else 's'}, and all that shows there")
    for playlist in plan.playlists:
        others = f", which {len(playlist.members)} others are members of" if playlist.members else ""
        output.result(output.visible(f"  playlist {playlist.name or playlist.stream}{others}"))
    for stream, heir in plan.handed_over.items():
        output.result(f"  playlist {stream} goes to account {heir}")
    for stream in plan.contributions:
        output.result(f"  its name in {stream}; what it wrote there stays")
