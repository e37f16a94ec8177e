"""`syncd log`: look at records, and forget the oldest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output, records
from syncd.cli.deployment import on_deployment
from syncd.cli.log_trim import trim

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment

app = typer.Typer(no_args_is_help=True, help="The log: every event, as it was admitted.")
app.command(epilog="Example: syncd log trim --keep-days 90 --dry-run")(trim)


@app.command(epilog="Example: syncd log show --account alice --kind list.inserted --since 15m")
def show(
    account: records.InAccount = None,
    stream: records.InStream = None,
    kind: records.OfKinds = None,
    device: records.OfDevice = None,
    since: records.Since = None,
    until: records.Until = None,
    from_offset: Annotated[
        int | None, typer.Option("--from", metavar="OFFSET", min=0, help="Begin at this offset of every partition.")
    ] = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Print the records that are there. With --json, one document a line."""
    from syncd.operations import log_show

    records.check(account, stream, kind)
    since_ms, until_ms = options.read_moment(since, "--since"), options.read_moment(until, "--until")

    async def work(deployment: Deployment) -> None:
        filter_ = log_show.Filter(
            stream=await records.in_stream(deployment, account, stream),
            kinds=frozenset(kind or ()),
            device=device,
            since_ms=since_ms,
            until_ms=until_ms,
        )
        async for record in log_show.show(deployment.log, filter_, from_=from_offset):
            records.print_record(record, as_json=as_json, partitions=deployment.log.partitions)

    on_deployment(work, config_file=config_file, data_dir=data_dir)


@app.command(epilog="Example: syncd log tail --account alice")
def tail(
    account: records.InAccount = None,
    stream: records.InStream = None,
    kind: records.OfKinds = None,
    device: records.OfDevice = None,
    since: records.Since = None,
    last: Annotated[
        int | None,
        typer.Option(
            "--last",
            "-n",
            metavar="COUNT",
            min=0,
            max=10_000,
            help="Begin with so many earlier ones; 10, or with --since all of them.",
        ),
    ] = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Print records as they come, until Ctrl-C."""
    from syncd.operations import log_show

    records.check(account, stream, kind)
    since_ms = options.read_moment(since, "--since")
    first = 10 if last is None and since is None else last

    async def work(deployment: Deployment) -> None:
        of_stream = await records.in_stream(deployment, account, stream)
        filter_ = log_show.Filter(stream=of_stream, kinds=frozenset(kind or ()), device=device, since_ms=since_ms)
        async for record in log_show.tail(deployment.log, filter_, last=first):
            records.print_record(record, as_json=as_json, partitions=deployment.log.partitions)
            output.flush()

    on_deployment(work, config_file=config_file, data_dir=data_dir)
