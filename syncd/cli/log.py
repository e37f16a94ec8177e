"""`syncd log`: look at records, and forget the oldest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment
from syncd.cli.log_trim import trim

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.log_show import ShownRecord

app = typer.Typer(no_args_is_help=True, help="The log: every event, as it was admitted.")
app.command(epilog="Example: syncd log trim --keep-days 90 --dry-run")(trim)

InAccount: TypeAlias = Annotated[
    str | None, typer.Option("--account", metavar="ACCOUNT", help="Only the stream of this account, by id or name.")
]
InStream: TypeAlias = Annotated[
    str | None, typer.Option("--stream", metavar="STREAM", help="Only this stream, `a:…` or `p:…`.")
]
OfKinds: TypeAlias = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Only events of this kind; may be repeated.")
]
OfDevice: TypeAlias = Annotated[str | None, typer.Option("--device", metavar="DEVICE", help="Only what it emitted.")]


@app.command(epilog="Example: syncd log show --account alice --kind list.inserted --since 15m")
def show(
    account: InAccount = None,
    stream: InStream = None,
    kind: OfKinds = None,
    device: OfDevice = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="Admitted at or after: ISO 8601 in UTC, or ago as 90s, 15m, 2h, 3d."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Admitted before.")] = None,
    from_offset: Annotated[
        int | None, typer.Option("--from", metavar="OFFSET", min=0, help="Begin at this offset of every partition.")
    ] = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Print the records that are there. With --json, one document a line."""
    from syncd.operations import log_show

    _check(account, stream, kind)
    since_ms, until_ms = options.read_moment(since, "--since"), options.read_moment(until, "--until")

    async def work(deployment: Deployment) -> None:
        filter_ = log_show.Filter(
            stream=await _in_stream(deployment, account, stream),
            kinds=frozenset(kind or ()),
            device=device,
            since_ms=since_ms,
            until_ms=until_ms,
        )
        async for record in log_show.show(deployment.log, filter_, from_=from_offset):
            _print(record, as_json=as_json, partitions=deployment.log.partitions)

    on_deployment(work, config_file=config_file, data_dir=data_dir)


@app.command(epilog="Example: syncd log tail --account alice")
def tail(
    account: InAccount = None,
    stream: InStream = None,
    kind: OfKinds = None,
    device: OfDevice = None,
    last: Annotated[
        int, typer.Option("--last", "-n", metavar="COUNT", min=0, max=10_000, help="Begin with so many earlier ones.")
    ] = 10,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Print records as they come, until Ctrl-C."""
    from syncd.operations import log_show

    _check(account, stream, kind)

    async def work(deployment: Deployment) -> None:
        in_stream = await _in_stream(deployment, account, stream)
        filter_ = log_show.Filter(stream=in_stream, kinds=frozenset(kind or ()), device=device)
        async for record in log_show.tail(deployment.log, filter_, last=last):
            _print(record, as_json=as_json, partitions=deployment.log.partitions)
            output.flush()

    on_deployment(work, config_file=config_file, data_dir=data_dir)


async def _in_stream(deployment: Deployment, account: str | None, stream: str | None) -> str | None:
    """The one stream that was asked for; None for all."""
    from syncd.model.ids import AccountId, account_stream

    if account is None:
        return stream
    return account_stream(AccountId((await deployment.accounts.find(account)).account))


def _check(account: str | None, stream: str | None, kinds: list[str] | None) -> None:
    """What can be said of the options before anything is opened."""
    from syncd.operations.log_show import unknown_kind

    if account is not None and stream is not None:
        raise typer.BadParameter("an account's stream is one stream: give --account or --stream, not both")
    for warning in filter(None, map(unknown_kind, kinds or ())):
        output.note(f"syncd: {warning}")


def _print(record: ShownRecord, *, as_json: bool, partitions: int) -> None:
    if as_json:
        output.result_json(record)
        return
    from syncd.model.canonical import canonical
    from syncd.operations.moment import moment

    place = str(record.offset) if partitions == 1 else f"{record.partition}:{record.offset}"
    when = "no time" if record.admitted_ms is None else moment(record.admitted_ms)
    data = canonical(record.data).decode()
    who = record.device or "nobody"
    output.result(output.visible(f"{place:>8}  {when}  {record.stream}  {who}  {record.kind}  {record.event}  {data}"))
