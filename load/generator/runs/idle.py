"""Connections that say nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from load.generator.fleet import Fleet
from load.generator.job import Job, Outcome, Step
from load.generator.spread import milliseconds
from load.generator.window import Window
from load.scenarios import Idle


async def idle(
    job: Job, scenario: Idle, fleet: Fleet, window: Window, tell: Callable[[Step], None]
) -> Outcome:  # fmt: skip
    """See `Idle`. The server was just started, so what it holds more afterwards is the connections'."""
    before_kib = [process.memory_kib() for process in job.processes]
    window.open()
    took_ns = await fleet.connect(tell)
    outcome = window.close()
    await asyncio.sleep(scenario.settle_s)
    after_kib = [process.memory_kib() for process in job.processes]
    connections = len(fleet.devices)
    grown_kib = [after - before for before, after in zip(before_kib, after_kib, strict=True)]
    figures = {
        "connections": float(connections),
        "KiB per connection": round(grown_kib[0] / connections, 2),
        "KiB per connection with all": round(sum(grown_kib) / connections, 2),
        "connects per CPU s": round(connections / max(outcome.cpu_s[job.processes[0].name], 0.01)),
        **milliseconds("connect", took_ns),
    }
    return replace(outcome, figures=figures)
