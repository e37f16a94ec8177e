"""`syncd timeline`: who did what, and which write won."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment
from syncd.cli.progress import progress
from syncd.limits import TIMELINE_STEPS_MAX

if TYPE_CHECKING:
    from rich.text import Text

    from syncd.bootstrap import Deployment
    from syncd.operations.timeline import Other, Step, StepFilter, StreamTimeline, Timeline, Write

FOLLOW_WAIT_S: Final = 5.0
LATE_MS: Final = 1_000
"""An event that arrived so much after it was made is shown with how late it came."""
VALUE_CHARS_MAX: Final = 100
"""Of a cell's value on a line for people; --json has all of it."""
MARKS: Final = {"stands": "✓", "replaced": "→", "lost": "✗", "repeated": "="}
STYLES: Final = {"stands": "green", "replaced": "dim", "lost": "red", "repeated": "dim"}


def timeline(
    account: options.AccountName,
    stream: options.PlaylistStream = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", metavar="KIND", help="Only events of this kind; may be repeated.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="DEVICE", help="Only what this device did, by its id or name.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="Only writes of this cell, or of cells like `settings/*`."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Admitted at or after: ISO 8601 in UTC, or ago as 15m."),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Admitted before.")] = None,
    lost: Annotated[bool, typer.Option("--lost", help="Only events of which something lost on arrival.")] = False,
    last: Annotated[
        int, typer.Option("--last", "-n", metavar="COUNT", min=1, max=TIMELINE_STEPS_MAX, help="The newest so many.")
    ] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new events, until Ctrl-C.")] = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Show who did what, from which device, and which write won and which lost, and why.

    Of the account's own stream and of the playlists it owns, by the time of admission. A write `✓` stands, `→` stood
    until another replaced it, `✗` lost to one that was there with a larger rank, `=` said what was there already. With
    --json, one document a line.
    """
    from syncd.model.ids import is_stream
    from syncd.operations import timeline as operation

    if stream is not None and not is_stream(stream):
        raise typer.BadParameter(f"{stream!r} is no stream; a playlist's is `p:` and its id")
    since_ms, until_ms = options.read_moment(since, "--since"), options.read_moment(until, "--until")

    async def work(deployment: Deployment) -> None:
        found = await deployment.accounts.find(account)
        wanted = operation.StepFilter(
            kinds=frozenset(kind or ()),
            device=await _device_id(deployment, found.account, device),
            since_ms=since_ms,
            until_ms=until_ms,
            key=key,
            lost_only=lost,
        )
        streams = await _streams(deployment, found.account, stream, wanted)
        with progress("reading", unit="records") as advance:
            shown = await operation.timeline(streams, last=last, progress=advance)
        teller = _Teller(found.account, shown.names, as_json=as_json)
        teller.begin(shown)
        if follow:
            output.flush()
            async for step in operation.follow(streams[0].log, streams, wait_s=FOLLOW_WAIT_S):
                teller.tell(step)
                output.flush()

    on_deployment(work, config_file=config_file, data_dir=data_dir)


async def _device_id(deployment: Deployment, account: str, device: str | None) -> str | None:
    """The id of the account's device of that name; what is no name of one is taken for an id."""
    named = [known.device for known in await deployment.accounts.devices(account) if known.name == device]
    return named[-1] if named else device


async def _streams(
    deployment: Deployment, account: str, stream: str | None, wanted: StepFilter
) -> list[StreamTimeline]:
    from syncd.model.ids import AccountId, account_stream
    from syncd.operations.timeline import StreamTimeline

    names = [stream] if stream else [account_stream(AccountId(account)), *await deployment.store.streams_owned(account)]
    return [StreamTimeline(deployment.log, name, wanted) for name in names]


class _Teller:
    """Writes steps for people or for programs."""

    def __init__(self, account: str, names: Mapping[str, str], *, as_json: bool) -> None:
        self._account = account
        self._names = names
        self._as_json = as_json

    def begin(self, shown: Timeline) -> None:
        """Everything there was when the command was called."""
        for stream, offset in shown.begins_at.items():
            output.note(f"the log of {stream} begins at offset {offset}; what was written before is not known")
        if shown.left_out:
            output.note(f"{shown.left_out} earlier events are not shown; --last shows more")
        for step in shown.steps:
            self.tell(step)
        if not shown.steps:
            output.note("nothing happened that passes these filters")

    def tell(self, step: Step) -> None:
        if self._as_json:
            output.result_json(step)
            return
        for line in self._lines(step):
            output.result_rich(line)

    def _lines(self, step: Step) -> list[Text]:
        from rich.text import Text

        from syncd.model.stamp import ms
        from syncd.operations.moment import duration, moment

        who = self._device(step.account, step.device)
        head = Text(moment(ms(step.t)) if step.t else "no time", style="dim")
        head.append(f"  {output.visible(who)} ", style="bold cyan").append(output.visible(step.says), style="bold")
        place = step.stream if step.stream != f"a:{self._account}" else ""
        head.append(output.visible(f"  {step.kind} {step.event} {place}").rstrip(), style="dim")
        lines = [head]
        if step.admitted_ms - ms(step.t) >= LATE_MS and step.t:
            late = duration(step.admitted_ms - ms(step.t))
            lines.append(Text(f"      arrived {late} after it was made, at {moment(step.admitted_ms)}", style="yellow"))
        return lines + [self._write(write) for write in step.writes]

    def _write(self, write: Write) -> Text:
        from rich.text import Text

        from syncd.model.canonical import canonical

        line = Text(f"    {MARKS[write.outcome]} ", style=STYLES[write.outcome])
        value = output.shortened(canonical(write.value).decode(), VALUE_CHARS_MAX)
        line.append(output.visible(f"{write.key} = {value}"))
        if write.outcome == "lost" and write.by is not None:
            line.append(output.visible(f"  lost to {self._other(write.by)}: {write.because}"), style="red")
        elif write.outcome == "replaced" and write.by is not None:
            line.append(output.visible(f"  until {self._other(write.by)}"), style="dim")
        elif write.over is not None:
            line.append(output.visible(f"  over {self._other(write.over)}"), style="dim")
        return line

    def _other(self, other: Other) -> str:
        return f"{self._device(other.account, other.device)}'s {other.kind} {other.event}"

    def _device(self, account: str, device: str) -> str:
        """Who somebody is: the device's name where it is known, with the account where it is another one."""
        name = self._names.get(device) or device or "nobody"
        return name if account in ("", self._account) else f"{name} of account {account}"
