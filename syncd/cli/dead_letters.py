"""`syncd dead-letters`: records that could not be read when they were folded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from syncd.cli import exit_codes, options, output
from syncd.cli.confirm import DryRun, Yes, confirm
from syncd.cli.deployment import on_deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.bootstrap import Deployment
    from syncd.operations.dead_letters import Retried
    from syncd.store.port import DeadLetter, DeadLetterRow, LetterFilter

app = typer.Typer(
    no_args_is_help=True,
    help="Dead letters: records that the projector could not read, set aside so that they stop nobody.",
)

BODY_SHOWN_BYTES = 4_096
"""Of a body on a terminal; `--json` has all of it."""

InAccount: TypeAlias = Annotated[
    str | None,
    typer.Option("--account", metavar="ACCOUNT", help="Only of this account's stream and of the playlists it owns."),
]
InStream: TypeAlias = Annotated[
    str | None, typer.Option("--stream", metavar="STREAM", help="Only of this stream, `a:…` or `p:…`.")
]
InPartition: TypeAlias = Annotated[
    int | None, typer.Option("--partition", metavar="NUMBER", min=0, help="Only of this partition.")
]
WithReason: TypeAlias = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Only where the reason holds this, as `upcast_failed`."),
]
Position: TypeAlias = Annotated[
    str, typer.Argument(metavar="POSITION", help="Its `partition:offset`, as `list` prints it.")
]
Positions: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="POSITION…", help="Their `partition:offset`, as `list` prints them.")
]
All: TypeAlias = Annotated[bool, typer.Option("--all", help="All that the filters let through, instead of POSITIONs.")]


@app.command("list", epilog="Example: syncd dead-letters list --reason upcast_failed")
def list_(
    account: InAccount = None,
    stream: InStream = None,
    partition: InPartition = None,
    reason: WithReason = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """List dead letters by their position. With --json, one document a line."""
    from syncd.operations import dead_letters as operation

    _check(account, stream)

    async def work(deployment: Deployment) -> list[Sequence[str]]:
        filter_ = await _filter(deployment, account, stream, partition, reason)
        rows: list[Sequence[str]] = []
        async for letter in operation.letters(deployment.store, filter_):
            if as_json:
                output.result_json(_document(letter))
            else:
                rows.append(_row(letter))
        return rows

    rows = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if rows:
        output.table(("POSITION", "STREAM", "EVENT", "KIND", "VERSION", "BYTES", "REASON"), rows)
    elif not as_json:
        output.note("no dead letters")


@app.command(epilog="Example: syncd dead-letters show 0:1234")
def show(
    position: Position,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Show one dead letter: where it stands, why it was set aside, and what it holds."""
    from syncd.operations import dead_letters as operation

    async def work(deployment: Deployment) -> tuple[DeadLetter, DeadLetterRow]:
        found = await operation.find_letter(deployment.store, position)
        return found, await operation.open_letter(deployment.store, found.position)

    found, letter = on_deployment(work, config_file=config_file, data_dir=data_dir)
    still = operation.why_not(letter)
    if as_json:
        from base64 import b64encode

        fields = {name: value for name, value in letter._asdict().items() if name != "body"}
        body = b64encode(letter.body).decode()
        output.result_json({**fields, "epoch": found.position.epoch, "body_base64": body, "retry_fails": still})
        return
    for name, value in (
        ("position", operation.position_text(found.position)),
        ("reason", letter.reason),
        ("stream", letter.stream),
        ("event", f"{letter.writer}.{letter.seq}"),
        ("kind", letter.kind),
        ("version", str(letter.version)),
        ("body", f"{len(letter.body)} bytes"),
    ):
        output.result(f"{name:9} {output.visible(value)}")
    output.result()
    output.result(output.visible(letter.body[:BODY_SHOWN_BYTES].decode(errors="backslashreplace")))
    if len(letter.body) > BODY_SHOWN_BYTES:
        output.note(f"and {len(letter.body) - BODY_SHOWN_BYTES} bytes more; --json has them all")
    output.note("this version can read it: retry it" if still is None else f"a retry would fail: {still}")


@app.command(epilog="Example: syncd dead-letters retry --all --reason upcast_failed")
def retry(
    positions: Positions = None,
    all_: All = False,
    account: InAccount = None,
    stream: InStream = None,
    partition: InPartition = None,
    reason: WithReason = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Append records again that this version can read; their letters are gone then.

    For after an upgrade. The record goes to the end of the log with its writer, seq and time, and reaches every device
    from there; doing it twice changes nothing. Ends with 1 when this version cannot read one of them either.
    """
    from syncd.operations import dead_letters as operation

    _check_choice(positions, account, stream, partition, reason, all_=all_)
    stayed = 0

    async def work(deployment: Deployment) -> None:
        nonlocal stayed
        filter_ = await _filter(deployment, account, stream, partition, reason) if all_ else None
        async for letter in operation.chosen(deployment.store, positions or (), filter_):
            retried = await operation.retry(deployment.log, deployment.store, letter.position)
            stayed += retried.offset is None
            _print_retried(retried, as_json=as_json)

    on_deployment(work, config_file=config_file, data_dir=data_dir)
    if stayed:
        raise typer.Exit(exit_codes.NEGATIVE.code)


@app.command(epilog="Example: syncd dead-letters drop 0:1234")
def drop(
    positions: Positions = None,
    all_: All = False,
    account: InAccount = None,
    stream: InStream = None,
    partition: InPartition = None,
    reason: WithReason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Forget dead letters, after saying what is lost with them.

    Their records stay in the log for as long as it keeps them, and `rebuild` by a version that can read them takes them
    in; what is lost is the way to retry them.
    """
    from syncd.operations import dead_letters as operation

    _check_choice(positions, account, stream, partition, reason, all_=all_)

    async def choose(deployment: Deployment) -> list[DeadLetter]:
        filter_ = await _filter(deployment, account, stream, partition, reason) if all_ else None
        return [letter async for letter in operation.chosen(deployment.store, positions or (), filter_)]

    async def work(deployment: Deployment) -> int:
        return sum([await deployment.store.drop_dead_letter(letter.position) for letter in doomed])

    doomed = on_deployment(choose, config_file=config_file, data_dir=data_dir)
    for letter in doomed:
        what = f"{letter.kind or 'a record'} {letter.writer}.{letter.seq} of {letter.stream or 'no stream'}"
        where = operation.position_text(letter.position)
        output.note(output.visible(f"{where}  {what}, {letter.body_bytes} bytes: {letter.reason}"))
    if doomed and not dry_run:
        output.note("these events will never be applied, unless a rebuild can read them in the log")
        confirm(f"drop {len(doomed)} dead letters?", yes=yes)
    dropped = on_deployment(work, config_file=config_file, data_dir=data_dir) if doomed and not dry_run else 0
    if as_json:
        output.result_json({"dropped": dropped})
    else:
        output.result(f"dropped {dropped}")


async def _filter(
    deployment: Deployment, account: str | None, stream: str | None, partition: int | None, reason: str | None
) -> LetterFilter:
    from syncd.operations.account_streams import streams_of
    from syncd.store.port import LetterFilter

    streams = None if stream is None else [stream]
    if account is not None:
        streams = await streams_of(deployment.accounts, deployment.store, account)
    return LetterFilter(streams=streams, partition=partition, reason=reason)


def _check(account: str | None, stream: str | None) -> None:
    if account is not None and stream is not None:
        raise typer.BadParameter("give --account or --stream, not both")


def _check_choice(
    positions: list[str] | None, account: str | None, stream: str | None, partition: int | None, reason: str | None,
    *, all_: bool,
) -> None:  # fmt: skip
    """Either letters by their positions, or by filters and --all: a filter that is forgotten must not drop them all."""
    _check(account, stream)
    filtered = any(option is not None for option in (account, stream, partition, reason))
    if bool(positions) == all_:
        raise typer.BadParameter("name POSITIONs, or give --all, with filters if you like; one of both")
    if positions and filtered:
        raise typer.BadParameter("filters go with --all, not with POSITIONs")


def _row(letter: DeadLetter) -> Sequence[str]:
    at = letter.position
    place = f"{at.partition}:{at.offset}"
    event = f"{letter.writer}.{letter.seq}"
    return place, letter.stream, event, letter.kind, str(letter.version), str(letter.body_bytes), letter.reason


def _document(letter: DeadLetter) -> dict[str, object]:
    return {**letter.position._asdict(), **{k: v for k, v in letter._asdict().items() if k != "position"}}


def _print_retried(retried: Retried, *, as_json: bool) -> None:
    from syncd.operations.dead_letters import position_text

    if as_json:
        appended = {"appended": retried.offset is not None, "at": retried.offset, "reason": retried.reason}
        output.result_json({**retried.position._asdict(), **appended})
    elif retried.offset is None:
        output.result(output.visible(f"{position_text(retried.position)} stays: {retried.reason}"), style="yellow")
    else:
        output.result(f"{position_text(retried.position)} appended at {retried.partition}:{retried.offset}")
