"""A server that is killed under traffic loses nothing that it acked, and does nothing twice.

The long run, and its figures: `python -m load.kill_cycles`.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from load.kill_cycles import run_cycles
from load.report import Progress
from syncd.bootstrap import open_deployment
from syncd.testing.quiet import until_projected
from syncd.testing.recorded_acks import AckBook, Acked, doubles, read_log
from syncd.testing.server_process import ServerProcess

CYCLES = 60 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 5


def test_killed_server_loses_no_acked_event_and_doubles_none(tmp_path: Path) -> None:
    progress = Progress("cycles", CYCLES)
    figures = asyncio.run(run_cycles(cycles=CYCLES, devices=3, seed=3, folder=tmp_path, progress=progress))
    assert figures.problems == []
    assert figures.cycles == CYCLES
    assert figures.events_acked + figures.events_found == figures.events_emitted > 20 * CYCLES


def test_an_ack_that_was_not_kept_is_found(server: ServerProcess) -> None:
    """The checks of the test above see what they are for."""

    async def story() -> None:
        (phone,) = await server.link("of an ack not kept", "phone")
        async with open_deployment(server.config) as deployment:
            in_log = await read_log(deployment.log)
            await until_projected(deployment.log, deployment.store)
            event = next(event for event in in_log.events if event.stream == f"a:{phone.account}")
            kept = Acked("phone", event.stream, event.writer, event.seq, event.t, seen=False, at_s=0.0)
            assert await AckBook([kept]).problems(deployment.log, deployment.store) == []
            for wrong in (kept._replace(seq=2), kept._replace(t=event.t + 1), kept._replace(writer="nobody0000")):
                assert len(await AckBook([kept, wrong]).problems(deployment.log, deployment.store)) == 1
            cells = in_log.cells[event.stream]
            assert doubles(cells, []) == []
            assert doubles(cells, ["never put in"]) == ["track never put in was put in once and has 0 places"]

    asyncio.run(story())
