"""The measured part of a run: what was counted, and what it cost whom, from one moment to another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

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


POLL_S = 0.01


class Window:
    """Counts from `open` to `close`; what comes before and behind is not in the figures.

    Attributes:
        sent, late_ns: kept by whoever sends.
    """

    def __init__(self, tally: Tally, processes: Sequence[ProcessGroup], tell: Callable[[Step], None]) -> None:
        self._tally = tally
        self._processes = processes
        self._tell = tell
        self.sent = 0
        self.late_ns: list[int] = []
        self._at_open = _Counts(0, 0, 0, 0, {}, 0.0, 0.0)

    async def warm_up(self, seconds: float) -> None:
        """Let the run go on unmeasured."""
        await self._wait("s of warm-up", seconds)

    async def measure(self, seconds: float) -> Outcome:
        """Let the run go on, and count; latencies as well."""
        self.open()
        self._tally.measuring = True
        await self._wait("s measured", seconds)
        self._tally.measuring = False
        return self.close()

    def open(self) -> None:
        """Count from here. Raises `ProcessLookupError` when a process of the server has ended."""
        self.late_ns.clear()
        self._at_open = self._count()

    def close(self) -> Outcome:
        """What came since `open`. Raises as it does."""
        tally, first, last = self._tally, self._at_open, self._count()
        return Outcome(
            window_s=round(last.at_s - first.at_s, 4),
            events=last.sent - first.sent,
            acks=last.acks - first.acks,
            deliveries=last.deliveries - first.deliveries,
            bytes_received=last.received - first.received,
            cpu_s={name: round(spent_s - first.cpu_s[name], 3) for name, spent_s in last.cpu_s.items()},
            generator_cpu_s=round(last.own_s - first.own_s, 3),
            latency=spread(tally.delivered_ns),
            ack=spread(tally.acked_ns),
            lateness=spread(self.late_ns),
        )

    async def drain(self, timeout_s: float) -> None:
        """Wait until everything under way has arrived, or the time is over."""
        await self.until(lambda: not self._tally.under_way, timeout_s)

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait for a condition; whether it came in time."""
        for _ in range(int(timeout_s / POLL_S)):
            if condition():
                return True
            await asyncio.sleep(POLL_S)
        return condition()

    def _count(self) -> _Counts:
        tally = self._tally
        return _Counts(
            self.sent, tally.acks, tally.deliveries, tally.bytes_received, cpu_s_of(self._processes), own_cpu_s(),
            time.perf_counter(),
        )  # fmt: skip

    async def _wait(self, phase: str, seconds: float) -> None:
        steps = max(1, round(seconds / STEP_S))
        for step in range(1, steps + 1):
            await asyncio.sleep(seconds / steps)
            self._tell(Step(phase, round(seconds * step / steps, 1), seconds))


class _Counts(NamedTuple):
    """Everything that is counted, at one moment."""

    sent: int
    acks: int
    deliveries: int
    received: int
    cpu_s: dict[str, float]
    own_s: float
    at_s: float


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
