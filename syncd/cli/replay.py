"""`syncd replay`: the past once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output, records
from syncd.cli.deployment import is_deployment, on_deployment, other_deployment, place_of
from syncd.cli.progress import phase, progress

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.log_show import Filter
    from syncd.operations.transfer.delivery import Delivered
    from syncd.operations.transfer.file import Written
    from syncd.operations.transfer.gather import Selection


def replay(
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TARGET",
            help="A file as recorded.jsonl.gz; or another deployment: postgresql://…, or the data folder of an "
            "embedded one, ending in `/`. Without it: this terminal.",
        ),
    ] = None,
    account: records.InAccount = None,
    stream: records.InStream = None,
    kind: records.OfKinds = None,
    device: records.OfDevice = None,
    since: records.Since = None,
    until: records.Until = None,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed", metavar="FACTOR", min=0.001, max=1_000_000.0,
            help="1 lets time pass as it did, 10 ten times faster; no wait is longer than 5 s. Without it: at once.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:  # fmt: skip
    """Let what happened happen again: on the terminal, in a file for `syncd import`, or in another deployment.

    In another deployment the accounts come along, without their devices' tokens; what is there already is left alone.
    Ctrl-C stops it, and running it again goes on.
    """
    records.check(account, stream, kind)
    since_ms, until_ms = options.read_moment(since, "--since"), options.read_moment(until, "--until")

    async def work(deployment: Deployment) -> None:
        from syncd.operations.log_show import Filter

        filter_ = Filter(
            stream=await records.in_stream(deployment, account, stream),
            kinds=frozenset(kind or ()),
            device=device,
            since_ms=since_ms,
            until_ms=until_ms,
        )
        if to is None:
            await _to_terminal(deployment, filter_, speed, as_json=as_json)
        elif is_deployment(to):
            selection = await _selection(deployment, filter_, account)
            _print_delivered(await _to_deployment(deployment, selection, to, speed), as_json=as_json)
        else:
            _print_written(await _to_file(deployment, filter_, Path(to), force=force), as_json=as_json)

    on_deployment(work, config_file=config_file, data_dir=data_dir)


async def _to_terminal(deployment: Deployment, filter_: Filter, speed: float | None, *, as_json: bool) -> None:
    from syncd.operations.log_show import show
    from syncd.operations.transfer.pace import Pace

    pace = Pace(speed)
    async for record in show(deployment.log, filter_):
        await pace.wait(record.admitted_ms)
        records.print_record(record, as_json=as_json, partitions=deployment.log.partitions)
        if speed is not None:
            output.flush()


async def _to_file(deployment: Deployment, filter_: Filter, path: Path, *, force: bool) -> Written:
    from syncd.operations.transfer.file import write_file
    from syncd.operations.transfer.gather import gather

    selection = await _selection(deployment, filter_, None, identities=False)
    with progress("writing", unit="records") as advance:
        content = gather(place_of(deployment), selection, progress=advance)
        return await write_file(path, content, what="records", now_ms=deployment.clock.now_ms(), replace=force)


async def _to_deployment(deployment: Deployment, selection: Selection, to: str, speed: float | None) -> Delivered:
    from syncd.operations.transfer.gather import gather
    from syncd.operations.transfer.importing import check_other, deliver

    async with other_deployment(to) as other:
        check_other(place_of(deployment), place_of(other))
        with progress("replaying", unit="records") as advance:
            content = gather(place_of(deployment), selection, progress=advance)
            return await deliver(place_of(other), content, speed=speed, phase=phase)


async def _selection(
    deployment: Deployment, filter_: Filter, account: str | None, *, identities: bool = True
) -> Selection:
    """The filter as a selection. Of one account, its playlists come along unless the stream was named."""
    from dataclasses import replace

    from syncd.operations.log_show import shown
    from syncd.operations.transfer.gather import Selection

    found = None if account is None else await deployment.accounts.find(account)
    wanted = filter_ if found is None else replace(filter_, stream=None)
    return Selection(found, identities, passes=lambda record: wanted.passes(shown(record)), whole=False)


def _print_delivered(done: Delivered, *, as_json: bool) -> None:
    if as_json:
        output.result_json({name: getattr(done, name) for name in done.__slots__})
    else:
        output.result(f"{done.appended} records replayed, {done.known} were there", style="green")


def _print_written(written: Written, *, as_json: bool) -> None:
    if as_json:
        output.result_json({"file": written.path, "bytes": written.bytes_, "records": written.records})
    else:
        output.result(f"{written.records} records in {written.path}, {written.bytes_} bytes", style="green")
