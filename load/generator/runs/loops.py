"""Events one after the other: as fast as they arrive, or at fixed times."""

from __future__ import annotations

import time

from load.generator.fleet import Fleet
from load.generator.job import Outcome
from load.generator.metronome import Metronome
from load.generator.tally import Tally
from load.generator.window import Window
from load.scenarios import Deliveries, Paced


async def closed_loop(scenario: Deliveries, fleet: Fleet, tally: Tally, window: Window) -> Outcome:
    """See `Deliveries`."""
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


async def open_loop(scenario: Paced, fleet: Fleet, window: Window) -> Outcome:
    """See `Paced`."""
    clock = time.perf_counter_ns
    burst = scenario.burst

    def emit_due(due_ns: int) -> None:
        device = fleet.drawn()
        for _ in range(burst):
            window.sent += 1
            window.late_ns.append(clock() - due_ns)
            device.emit(due_ns)

    metronome = Metronome(scenario.rate / burst, emit_due)
    metronome.start()
    try:
        await window.warm_up(scenario.warmup_s)
        return await window.measure(scenario.seconds)
    finally:
        metronome.stop()
