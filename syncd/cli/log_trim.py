"""`syncd log trim`: forget the oldest records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.confirm import DryRun, Yes, confirm
from syncd.cli.deployment import on_deployment
from syncd.cli.progress import progress

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.log_trim import Before, PartitionTrim, TrimPlan

OFFSET_DIGITS_MAX = 11
"""A number of more digits is ms since 1970."""


def trim(
    before: Annotated[
        str | None,
        typer.Option(
            "--before",
            metavar="TIME|OFFSET",
            help="Forget what was admitted before: ISO 8601 in UTC, or ago as 15m, 2h, 30d; or below this offset.",
        ),
    ] = None,
    keep_days: Annotated[
        int | None,
        typer.Option("--keep-days", metavar="DAYS", min=1, help="Forget what was admitted longer ago than that."),
    ] = None,
    partition: Annotated[
        list[int] | None,
        typer.Option("--partition", metavar="NUMBER", min=0, help="Only this partition; may be repeated."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Forget the oldest records. State stays, the past goes: what that costs is said before it asks.

    Only what is folded into the store goes. Servers may run. Interrupted, it can be run again.
    """
    limit = _before(before, keep_days)

    async def work(deployment: Deployment) -> TrimPlan:
        from syncd.operations import log_trim

        partitions = options.known_partitions(partition, deployment.log.partitions)
        if limit.offset is not None and len(partitions) > 1:
            raise typer.BadParameter("offsets are counted in each partition anew: say which one with --partition")
        with progress("looking for the new beginning", unit="records") as advance:
            plan = await log_trim.plan_trim(
                deployment.log, deployment.store, limit, partitions=partitions, progress=advance
            )
        records = sum(part.records for part in plan)
        if not as_json:
            _print_plan(plan)
        if not records and not as_json:
            output.result("nothing to forget")
        if dry_run or not records:
            return plan
        if not yes:
            for line in log_trim.COST:
                output.note(line)
        confirm(f"Forget {records} records for good?", yes=yes)
        with progress("forgetting", unit="partitions") as advance:
            await log_trim.trim(deployment.log, deployment.store, plan, progress=advance)
        if not as_json:
            output.result(f"{records} records are gone", style="green")
        return plan

    plan = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json({"done": not dry_run, "partitions": [_as_object(part) for part in plan]})


def _before(text: str | None, keep_days: int | None) -> Before:
    from syncd.operations.log_trim import Before

    if (text is None) == (keep_days is None):
        raise typer.BadParameter("say how far, with --before or with --keep-days")
    if text is not None and text.isascii() and text.isdigit() and len(text) <= OFFSET_DIGITS_MAX:
        return Before(offset=int(text))
    return Before(time_ms=options.read_moment(text or f"{keep_days}d", "--before"))


def _as_object(part: PartitionTrim) -> dict[str, int]:
    from dataclasses import asdict

    return {**asdict(part), "records": part.records}


def _print_plan(plan: TrimPlan) -> None:
    rows = [
        (str(part.partition), str(part.start), str(part.before), str(part.end), str(part.records), str(part.held_back))
        for part in plan
    ]
    output.table(("PARTITION", "BEGINS AT", "WILL BEGIN AT", "ENDS AT", "RECORDS THAT GO", "NOT FOLDED YET"), rows)
