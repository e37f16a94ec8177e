"""How each scenario is carried out."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from load.generator.fleet import Fleet
from load.generator.job import Job, Outcome, Step
from load.generator.runs.folding import folding
from load.generator.runs.idle import idle
from load.generator.runs.loops import closed_loop, open_loop
from load.generator.runs.opening import opening
from load.generator.runs.storm import storm
from load.generator.tally import Tally
from load.generator.window import Window, remarks_on
from load.scenarios import Deliveries, Folding, Idle, Opening, Paced

DRAIN_TIMEOUT_S = 10.0
"""For what is under way when the sending stops. What has not arrived then counts as lost."""


async def run(job: Job, tell: Callable[[Step], None], *, drain_timeout_s: float = DRAIN_TIMEOUT_S) -> Outcome:
    """Do the job.

    Raises:
        OSError: it cannot be done: the server does not let devices in, or one of its processes has ended.
    """
    scenario = job.scenario
    tally = Tally()
    window = Window(tally, job.processes, tell)
    if isinstance(scenario, Opening):
        return await opening(job, scenario, window, tell)
    if isinstance(scenario, Folding):
        return await folding(job, scenario, window, tell)
    fleet = Fleet(job, tally)
    try:
        if isinstance(scenario, Idle):
            outcome = await idle(job, scenario, fleet, window, tell)
        else:
            await fleet.connect(tell)
            if isinstance(scenario, Deliveries):
                outcome = await closed_loop(scenario, fleet, tally, window)
            elif isinstance(scenario, Paced):
                outcome = await open_loop(scenario, fleet, window)
            else:
                outcome = await storm(job, scenario, fleet, tally, window, tell)
        await window.drain(drain_timeout_s)
        outcome = replace(outcome, wrong=tally.wrong())
        return replace(outcome, remarks=remarks_on(outcome, tally.refusals))
    finally:
        fleet.close()
        for ending in tally.endings:
            await ending()
