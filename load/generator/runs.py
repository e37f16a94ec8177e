"""How each scenario is carried out."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from load.generator.fleet import Fleet
from load.generator.job import Job, Outcome, Step
from load.generator.metronome import Metronome
from load.generator.tally import Tally
from load.generator.window import Window, remarks_on
from load.scenarios import Deliveries, Paced

DRAIN_TIMEOUT_S = 10.0
"""For what is under way when the sending stops. What has not arrived then counts as lost."""

Tell = Callable[[Step], None]


async def run(job: Job, tell: Tell, *, drain_timeout_s: float = DRAIN_TIMEOUT_S) -> Outcome:
    """Do the job. Raises `ConnectionError`, `TimeoutError`, `ProcessLookupError` when it cannot be done."""
    tally = Tally()
    fleet = Fleet(job, tally)
    window = Window(tally, job.processes, tell)
    await fleet.connect(tell)
    try:
        scenario = job.scenario
        if isinstance(scenario, Deliveries):
            outcome = await _closed_loop(scenario, fleet, tally, window)
        else:
            outcome = await _open_loop(scenario, fleet, window)
        await window.drain(drain_timeout_s)
        outcome = replace(outcome, wrong=tally.wrong())
        return replace(outcome, remarks=remarks_on(outcome, tally.refusals))
    finally:
        fleet.close()


async def _closed_loop(scenario: Deliveries, fleet: Fleet, tally: Tally, window: Window) -> Outcome:
    clock = time.perf_counter_ns

    def emit_next() -> None:
        window.sent += 1
        fleet.next().emit(clock())

    tally.on_arrived = emit_next
    for _ in range(scenario.in_flight):
        emit_next()
    await window.warm_up(scenario.warmup_s)
    outcome = await window.measure(scenario.seconds)
    tally.on_arrived = None
    return outcome


async def _open_loop(scenario: Paced, fleet: Fleet, window: Window) -> Outcome:
    clock = time.perf_counter_ns

    def emit_due(due_ns: int) -> None:
        window.sent += 1
        window.late_ns.append(clock() - due_ns)
        fleet.drawn().emit(due_ns)

    metronome = Metronome(scenario.rate, emit_due)
    metronome.start()
    try:
        await window.warm_up(scenario.warmup_s)
        return await window.measure(scenario.seconds)
    finally:
        metronome.stop()
