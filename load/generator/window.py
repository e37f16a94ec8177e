"""The measured part of a run: what was counted, and what it cost whom, from one moment to another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from load.generator.job import Outcome, Step
from load.generator.spread import spread
from load.generator.tally import Tally
from load.processes import ProcessGroup, cpu_s_of, own_cpu_s

STEP_S = 0.5
"""Between two words on how far it is."""
BUSY_SHARE = 0.9
"""Of a core. A generator above it may have been what was measured."""
LATE_MS = 2.0
"""At the 99th percentile. A generator that sends later than this did not keep the rate it claims."""


class Window:
    """Takes the figures of `measure`; the warm-up before it and the drain behind it are not in them."""

    def __init__(self, tally: Tally, processes: Sequence[ProcessGroup], tell: Callable[[Step], None]) -> None:
        self._tally = tally
        self._processes = processes
        self._tell = tell
        self.sent = 0
        self.late_ns: list[int] = []

    async def warm_up(self, seconds: float) -> None:
        """Let the run go on unmeasured."""
        await self._wait("s of warm-up", seconds)

    async def measure(self, seconds: float) -> Outcome:
        """Let the run go on, and count. Raises `ProcessLookupError` when a process of the server has ended."""
        tally = self._tally
        self.late_ns.clear()
        sent, acks, deliveries, received = self.sent, tally.acks, tally.deliveries, tally.bytes_received
        tally.measuring = True
        cpu_s, own_s, began = cpu_s_of(self._processes), own_cpu_s(), time.perf_counter()
        await self._wait("s measured", seconds)
        took_s, own_s = time.perf_counter() - began, own_cpu_s() - own_s
        cpu_s = {name: round(end_s - cpu_s[name], 3) for name, end_s in cpu_s_of(self._processes).items()}
        tally.measuring = False
        return Outcome(
            window_s=round(took_s, 4),
            events=self.sent - sent,
            acks=tally.acks - acks,
            deliveries=tally.deliveries - deliveries,
            bytes_received=tally.bytes_received - received,
            cpu_s=cpu_s,
            generator_cpu_s=round(own_s, 3),
            latency=spread(tally.delivered_ns),
            ack=spread(tally.acked_ns),
            lateness=spread(self.late_ns),
        )

    async def drain(self, timeout_s: float) -> None:
        """Wait until everything under way has arrived, or the time is over."""
        arrived = asyncio.Event()

        def check() -> None:
            if not self._tally.under_way:
                arrived.set()

        self._tally.on_arrived = check
        check()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await arrived.wait()

    async def _wait(self, phase: str, seconds: float) -> None:
        steps = max(1, round(seconds / STEP_S))
        for step in range(1, steps + 1):
            await asyncio.sleep(seconds / steps)
            self._tell(Step(phase, round(seconds * step / steps, 1), seconds))


def remarks_on(outcome: Outcome, refusals: Sequence[str]) -> list[str]:
    """What a reader of these figures must know, in sentences."""
    found = []
    share = outcome.generator_cpu_s / outcome.window_s
    if share > BUSY_SHARE:
        found.append(f"the generator used {share:.0%} of a core: it may have been the bottleneck")
    if outcome.lateness is not None and outcome.lateness.at(0.99) > LATE_MS:
        late_ms = outcome.lateness.at(0.99)
        found.append(f"1 of 100 events left {late_ms:.1f} ms late or later: the generator did not keep the rate")
    if outcome.wrong:
        counts = {name: getattr(outcome.wrong, name) for name in outcome.wrong.__struct_fields__}
        found.append("wrong: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count))
    found += [f"the server said: {refusal}" for refusal in refusals]
    return found
