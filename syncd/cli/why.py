"""`syncd why`: the events behind one cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment
from syncd.cli.progress import progress

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.why import Explanation, Write


def why(
    account: options.AccountName,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A cell's key, as `settings/theme` or `playlist/name`.")],
    stream: options.PlaylistStream = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Show the events behind one cell: who wrote it, and who won."""
    from syncd.model.ids import AccountId, account_stream
    from syncd.operations import why as operation

    async def work(deployment: Deployment) -> Explanation:
        found = await deployment.accounts.find(account)
        # A playlist may be older than the account that owns it now.
        born_ms = found.created_ms if stream is None else None
        in_stream = stream or account_stream(AccountId(found.account))
        with progress("reading", unit="records") as advance:
            return await operation.why(
                deployment.log, deployment.store, in_stream, key, since_ms=born_ms, progress=advance
            )

    explanation = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(explanation)
    else:
        _print(explanation)


def _print(explanation: Explanation) -> None:
    count = len(explanation.writes)
    events = "one event" if count == 1 else f"{count} events"
    output.result(output.visible(f"{explanation.key} of {explanation.stream}, written by {events}:"), style="bold")
    for write in explanation.writes:
        _print_write(write)
    if explanation.unreadable:
        output.note(f"{explanation.unreadable} records of the stream cannot be read, and may have written it too")
    if not explanation.agrees:
        output.result("the store holds something else: run `syncd verify`", style="red")


def _print_write(write: Write) -> None:
    from syncd.model.canonical import canonical
    from syncd.model.stamp import ms
    from syncd.operations.moment import duration, moment

    who = write.device if write.device_name is None else f"{write.device_name} ({write.device})"
    mark = "stands" if write.stands else "      "
    when = moment(ms(write.t))
    output.result(output.visible(f"{mark}  {when}  {who}  {write.kind}  {write.event}  offset {write.offset}"))
    output.result(output.visible(f"          {canonical(write.value).decode()}"), style="bold" if write.stands else "")
    late_ms = write.admitted_ms - ms(write.t)
    if late_ms >= 1_000:
        output.result(f"          arrived {duration(late_ms)} after it was made, at {moment(write.admitted_ms)}")
    if not write.stands:
        output.result(output.visible(f"          lost: {write.because}"))
