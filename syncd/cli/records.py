"""Records of the log as commands choose and print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from syncd.cli import output

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.log_show import ShownRecord

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
Since: TypeAlias = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Admitted at or after: ISO 8601 in UTC, or ago as 90s, 15m, 2h, 3d."),
]
Until: TypeAlias = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Admitted before.")]


async def in_stream(deployment: Deployment, account: str | None, stream: str | None) -> str | None:
    """The one stream that was asked for; None for all."""
    from syncd.model.ids import AccountId, account_stream

    if account is None:
        return stream
    return account_stream(AccountId((await deployment.accounts.find(account)).account))


def check(account: str | None, stream: str | None, kinds: list[str] | None) -> None:
    """What can be said of the options before anything is opened."""
    from syncd.operations.log_show import unknown_kind

    if account is not None and stream is not None:
        raise typer.BadParameter("an account's stream is one stream: give --account or --stream, not both")
    for warning in filter(None, map(unknown_kind, kinds or ())):
        output.note(f"syncd: {warning}")


def print_record(record: ShownRecord, *, as_json: bool, partitions: int) -> None:
    """One record: a line for people, or a document for programs."""
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
