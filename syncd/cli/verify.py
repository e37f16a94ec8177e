"""`syncd verify`: does the store hold what the log says?"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import exit_codes, options, output
from syncd.cli.deployment import on_deployment
from syncd.cli.progress import progress

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.verify import StreamDiffers, Verified


def verify(
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="NUMBER", help="Of the order drawn; repeats an earlier run's order.")
    ] = None,
    partition: Annotated[
        list[int] | None,
        typer.Option("--partition", metavar="NUMBER", min=0, help="Only this partition; may be repeated."),
    ] = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Refold the log in another order, and compare it with the store.

    Every stream from its beginning, its cells and what is counted of it. Reads only, beside running servers. Ends with
    1 when something differs, naming streams and keys.
    """
    from syncd.operations import verify as operation

    drawn = secrets.randbelow(2**32) if seed is None else seed

    async def work(deployment: Deployment) -> Verified:
        beyond = [n for n in partition or () if n >= deployment.log.partitions]
        if beyond:
            raise typer.BadParameter(
                f"there is no partition {beyond[0]}; there are {deployment.log.partitions}, from 0"
            )
        with progress("comparing", unit="records") as advance:
            return await operation.verify(
                deployment.log, deployment.store, seed=drawn, partitions=partition, progress=advance
            )

    verified = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(
            {"agrees": verified.agrees, **{name: getattr(verified, name) for name in verified.__slots__}}
        )
    else:
        _print(verified)
    if not verified.agrees:
        raise typer.Exit(exit_codes.NEGATIVE.code)


def _print(verified: Verified) -> None:
    for differs in verified.differences:
        _print_stream(differs)
    counts = f"{verified.streams} streams, {verified.records} records, {verified.cells} cells; seed {verified.seed}"
    if verified.behind:
        output.result(f"{verified.behind} records are not folded yet, and not compared: does a projector run?")
    if verified.unreadable:
        output.result(f"{verified.unreadable} records cannot be read; they lie among the dead letters", style="yellow")
    if verified.agrees:
        output.result(f"the store holds what the log says: {counts}", style="green")
    else:
        output.result(f"{len(verified.differences)} streams differ, of {counts}", style="red")
        if any(differs.keys for differs in verified.differences):
            output.result("`syncd rebuild` mends cells")
        if any(differs.counts for differs in verified.differences):
            output.result("what is counted is folded anew after `syncd migrate --new-epoch`, but never becomes less")


def _print_stream(differs: StreamDiffers) -> None:
    output.result(
        f"{differs.stream} differs at offset {differs.offset} of partition {differs.partition}: "
        f"digest {differs.store_digest} in the store, {differs.refolded_digest} refolded",
        style="red",
    )
    for key, difference in differs.keys.items():
        output.result(f"  {difference:9}  {output.visible(key)}")
    if differs.keys_count > len(differs.keys):
        output.result(f"  and {differs.keys_count - len(differs.keys)} keys more")
    for name, count in differs.counts.items():
        held, right = count.store or "nothing", count.log or "nothing"
        output.result(f"  {output.visible(name)}: {held} in the store, {right} in the log")
    if differs.counts_count > len(differs.counts):
        output.result(f"  and {differs.counts_count - len(differs.counts)} counts more")
