"""Everybody comes back in one moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from urllib.request import urlopen

from msgspec.structs import replace

from load.generator.fleet import Fleet
from load.generator.job import Job, Outcome, Step
from load.generator.spread import milliseconds
from load.generator.tally import Tally
from load.generator.window import Window
from load.scenarios import Storm

SETTLE_TIMEOUT_S = 30.0
"""For the events before the storm; a server that does not manage them gets no figures."""
STORM_TIMEOUT_S = 60.0
CALM = "s of calm before the storm"
CONNECTING = 512
"""Devices that connect at the same time: as many as every server's accept queue holds."""


async def storm(
    job: Job, scenario: Storm, fleet: Fleet, tally: Tally, window: Window, tell: Callable[[Step], None]
) -> Outcome:
    """See `Storm`. It is over when every missed event has arrived everywhere.

    Raises:
        TimeoutError: what went before the storm did not arrive, or was not acknowledged.
    """
    clock, per_account = time.perf_counter_ns, scenario.devices
    at_home = fleet.devices[per_account - 1 :: per_account]
    away = [device for number, device in enumerate(fleet.devices) if number % per_account != per_account - 1]
    for device in at_home:  # now everybody has a position that lies behind something
        device.emit(clock())
    await _must(window, lambda: not tally.under_way, "the first event of each account did not arrive")
    for device in away:
        device.close()
    await asyncio.sleep(scenario.away_s)
    acks = tally.acks
    for _ in range(scenario.missed):
        for device in at_home:
            device.emit(clock())
        await asyncio.sleep(0)
    await _must(
        window, lambda: tally.acks - acks == scenario.missed * len(at_home), "the missed events were not all acked"
    )
    tell(Step(CALM, 0, scenario.calm_s))
    await asyncio.sleep(scenario.calm_s)
    statements = await asyncio.to_thread(_statements, job.metrics_url)
    window.open()
    took_ns = await fleet.connect(tell, away, at_once=CONNECTING)
    await window.drain(STORM_TIMEOUT_S)
    outcome = window.close()
    front_s = outcome.cpu_s[job.processes[0].name] if job.processes else 0.0
    figures = {
        "resumes": float(len(away)),
        "s until all were back": outcome.window_s,
        **milliseconds("connect", took_ns),
    }
    if front_s:
        figures["resumes per CPU s"] = round(len(away) / front_s)
        figures["resumes per CPU s with all"] = round(len(away) / sum(outcome.cpu_s.values()))
    if statements is not None:
        asked = (await asyncio.to_thread(_statements, job.metrics_url) or 0) - statements
        figures["statements per resume"] = round(asked / len(away), 4)
    return replace(outcome, figures=figures)


def _statements(metrics_url: str | None) -> int | None:
    """How many statements the gateway has run in Postgres, whatever for; None of a server that has none."""
    if metrics_url is None:
        return None
    with urlopen(metrics_url, timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("syncd_statements_total "):
                return int(float(line.split()[1]))
    raise ConnectionError(f"{metrics_url} tells no syncd_statements_total")


async def _must(window: Window, condition: Callable[[], bool], otherwise: str) -> None:
    if not await window.until(condition, SETTLE_TIMEOUT_S):
        raise TimeoutError(f"{otherwise} within {SETTLE_TIMEOUT_S:g} s")
