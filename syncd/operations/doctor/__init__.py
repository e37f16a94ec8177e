"""Whether a deployment can work on this machine, as it is configured: one finding a line, each with what to do.

`machine` looks at the program, whether it runs compiled, the data folder and the ports; `database` at Postgres and what
lies in it. Nothing is changed, but an embedded Postgres that exists and does not run is started for as long as it takes
to look.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from syncd.clock import Clock
from syncd.config import Resolved
from syncd.operations.doctor import database, machine
from syncd.operations.doctor.database import Doors
from syncd.operations.doctor.finding import Finding, Verdict

__all__ = ["Doors", "Finding", "Verdict", "examine"]


async def examine(resolved: Resolved, clock: Clock, doors: Doors) -> AsyncIterator[Finding]:
    """Every finding, as soon as it is made."""
    yield machine.python()
    yield machine.packages()
    yield machine.compiled_build()
    yield machine.settings(resolved)
    if resolved.config.database_url is None:
        yield machine.data_folder(resolved.config.data_dir)
        yield machine.disk_space(resolved.config.data_dir)
    yield await machine.http_port(resolved.config)
    yield await machine.ws_port(resolved.config)
    if (watched := await machine.metrics_port(resolved.config)) is not None:
        yield watched
    async for finding in database.findings(resolved.config, clock, doors):
        yield finding
