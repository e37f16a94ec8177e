"""`syncd state`: what an account's devices show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment
from syncd.cli.progress import progress

if TYPE_CHECKING:
    from syncd.bootstrap import Deployment
    from syncd.operations.state import StateObject


def state(
    account: options.AccountName,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="As it was then: ISO 8601 in UTC, or ago as 90s, 15m, 2h, 3d."),
    ] = None,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Print all that an account's devices show, as JSON.

    Playback, queue, playlists, library, settings, progress, history and devices, in the shape of `/v1/state`. With --at
    the log is refolded up to that time; the store is not asked for cells.
    """
    from syncd.operations.state import account_state

    at_ms = options.read_moment(at, "--at")

    async def work(deployment: Deployment) -> StateObject:
        found = await deployment.accounts.find(account)
        now_ms = deployment.clock.now_ms()
        with progress("reading", unit="records") as advance:
            return await account_state(
                deployment.log, deployment.store, found.account, now_ms,
                at_ms=at_ms, born_ms=found.created_ms, progress=advance,
            )  # fmt: skip

    shown = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(shown)
    else:
        import json

        # For people it is the same JSON, laid out; escapes keep a peer's control characters from the terminal.
        for line in json.dumps(shown, indent=2, ensure_ascii=False).split("\n"):
            output.result(output.visible(line))
