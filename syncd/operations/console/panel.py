"""The figures of a deployment as they go: what all its processes tell, joined into one sample every so often.

Every process writes how it does into the store's directory, and whoever shows a console reads what all have written. So
a console covers gateways and projectors on other machines without a way to them, and says of each how long it has been
silent. While the store is away a sample holds this process alone, and says so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from syncd.clock import Clock
from syncd.errors import StoreUnavailable
from syncd.metrics import SECONDS
from syncd.operations.console.figures import Figures
from syncd.store.port import ProcessReport

SAMPLE_S: Final = 2.0
"""Between two samples, and two reports of a process."""
REPORT_TTL_S: Final = 3 * SAMPLE_S + 1.0
"""After so long a silence a process is not counted any more; two reports may be lost."""
SAMPLES_KEPT: Final = 900
"""Half an hour."""
LATENCY_SAMPLES: Final = 5
"""Latencies are those of the last so many samples: the few of one are no distribution."""
ERRORS_RECENT_MS: Final = 300_000
"""How long an error is told after it was last seen."""
CHARTS: Final = (
    "connections", "admitted", "deltas", "lag_records", "lag_seconds", "p50_ms", "p95_ms", "p99_ms", "far_p95_ms",
    "errors",
)  # fmt: skip
"""What is kept of every sample."""


class ProcessLine(msgspec.Struct, frozen=True, kw_only=True):
    """One process in a sample. `cpu`: cores that it used since the sample before; None for the first."""

    process: str
    roles: str
    silent_s: float
    connections: int
    lag_records: int | None
    folds: int
    cpu: float | None
    is_draining: bool


class ErrorLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that goes wrong. `recent`: how often within `ERRORS_RECENT_MS`; `last_ms`: when it was last seen."""

    what: str
    per_s: float
    recent: int
    last_ms: int


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """All processes at one moment.

    Attributes:
        charts: by the names of `CHARTS`; rates are per second, None where nothing is known.
        errors: what went wrong lately, most frequent first.
        unfolded: partitions that no process says it folds: their lag is not known, and not in the charts.
        trouble: why other processes are not in this sample; empty when they are.
    """

    number: int
    at_ms: int
    charts: dict[str, float | None]
    subscriptions: int
    slow_readers: int
    outbox_bytes: int
    dead_letters: int
    errors: list[ErrorLine]
    partitions: int
    unfolded: list[int]
    processes: list[ProcessLine]
    trouble: str


class Panel:
    """Takes samples, keeps the last ones, and tells who waits for the next."""

    def __init__(
        self, me: str, roles: str, own: Callable[[], Figures], others: Callable[[], Awaitable[Sequence[ProcessReport]]],
        clock: Clock,
    ) -> None:  # fmt: skip
        """`me`: the name under which this process reports."""
        self._me = me
        self._roles = roles
        self._own = own
        self._others = others
        self._clock = clock
        self._before: dict[str, deque[Figures]] = {}
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)
        self._errors: deque[tuple[int, dict[str, float]]] = deque()
        self._news = asyncio.Event()
        self.jobs: bytes = b"[]"
        self.is_closed = False

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            await self.take()
            await asyncio.sleep(SAMPLE_S)

    async def take(self) -> Sample:
        """One sample, now. Never raises: what is away is named in it."""
        reports, trouble = [ProcessReport(self._me, self._roles, b"", 0.0)], ""
        try:
            async with asyncio.timeout(SAMPLE_S):
                reports += [report for report in await self._others() if report.process != self._me]
        except StoreUnavailable as error:
            trouble = f"only this process is shown: {error}"
        except TimeoutError:
            trouble = f"only this process is shown: the store does not answer within {SAMPLE_S:g} s"
        now = {each.process: self._figures(each) for each in reports}
        sample = self._joined(reports, now, trouble)
        for gone in self._before.keys() - now.keys():
            del self._before[gone]
        for process, figures in now.items():
            kept = self._before.setdefault(process, deque(maxlen=LATENCY_SAMPLES))
            if not kept or kept[-1].at_s != figures.at_s:
                kept.append(figures)
        self._samples.append(sample)
        self._tell()
        return sample

    def show_jobs(self, jobs: bytes) -> None:
        """What the jobs are now, as JSON; those who wait are told."""
        self.jobs = jobs
        self._tell()

    async def news(self, *, timeout_s: float) -> None:
        """Return at the next sample or change of a job, or after `timeout_s`."""
        waiting = self._news
        try:
            async with asyncio.timeout(timeout_s):
                await waiting.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Say to those who wait that nothing more will come."""
        self.is_closed = True
        self._tell()

    @property
    def number(self) -> int:
        """Of the latest sample; 0 before the first."""
        return self._samples[-1].number if self._samples else 0

    @property
    def sample(self) -> bytes:
        """The latest sample as JSON; `null` before the first."""
        return msgspec.json.encode(self._samples[-1] if self._samples else None)

    def history(self) -> Mapping[str, Sequence[float | None]]:
        """The charts of all samples kept, oldest first, as columns; `at_ms` beside them."""
        columns: dict[str, Sequence[float | None]] = {"at_ms": [sample.at_ms for sample in self._samples]}
        return columns | {name: [sample.charts[name] for sample in self._samples] for name in CHARTS}

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _figures(self, report: ProcessReport) -> Figures:
        return self._own() if report.process == self._me else msgspec.json.decode(report.figures, type=Figures)

    def _joined(self, reports: Sequence[ProcessReport], now: Mapping[str, Figures], trouble: str) -> Sample:
        last = {process: kept[-1] for process, kept in self._before.items()}
        oldest = {process: kept[0] for process, kept in self._before.items()}
        rates = [_Since(figures, last.get(process)) for process, figures in now.items()]
        longer = [_Since(figures, oldest.get(process)) for process, figures in now.items()]
        near = _quantiles(since.buckets("commit_to_delta") for since in longer)
        far = _quantiles(since.buckets("admit_to_delta") for since in longer)
        at_ms = self._clock.now_ms()
        errors = self._errors_until(at_ms, rates)
        lag = [records for figures in now.values() for records in figures.lag_records.values()]
        lag_s = [seconds for figures in now.values() for seconds in figures.lag_seconds.values()]
        partitions = max(figures.partitions for figures in now.values())
        folded = {int(number) for figures in now.values() for number in figures.lag_records}
        charts: dict[str, float | None] = {
            "connections": sum(figures.connections for figures in now.values()),
            "admitted": round(sum(since.rate("counts", "admitted") for since in rates), 2),
            "deltas": round(sum(since.rate("counts", "deltas") for since in rates), 2),
            "lag_records": sum(lag) if lag else None,
            "lag_seconds": round(max(lag_s), 3) if lag_s else None,
            "p50_ms": near[0],
            "p95_ms": near[1],
            "p99_ms": near[2],
            "far_p95_ms": far[1],
            "errors": round(sum(line.per_s for line in errors), 3),
        }
        return Sample(
            number=self.number + 1,
            at_ms=at_ms,
            charts=charts,
            subscriptions=sum(figures.subscriptions for figures in now.values()),
            slow_readers=sum(figures.slow_readers for figures in now.values()),
            outbox_bytes=sum(figures.outbox_bytes for figures in now.values()),
            dead_letters=int(sum(n for figures in now.values() for n in figures.dead_letters.values())),
            errors=errors,
            partitions=partitions,
            unfolded=[number for number in range(partitions) if number not in folded],
            processes=[_line(report, now[report.process], last.get(report.process)) for report in reports],
            trouble=trouble,
        )

    def _errors_until(self, at_ms: int, rates: Sequence[_Since]) -> list[ErrorLine]:
        """What went wrong since the sample before, and within `ERRORS_RECENT_MS`."""
        now: dict[str, float] = {}
        per_s: dict[str, float] = {}
        for since in rates:
            for what in since.figures.errors:
                if count := since.count("errors", what):
                    now[what] = now.get(what, 0) + count
                    per_s[what] = per_s.get(what, 0) + count / since.seconds
        self._errors.append((at_ms, now))
        while self._errors[0][0] <= at_ms - ERRORS_RECENT_MS:
            self._errors.popleft()
        recent: dict[str, float] = {}
        last_ms: dict[str, int] = {}
        for seen_ms, counts in self._errors:
            for what, count in counts.items():
                recent[what] = recent.get(what, 0) + count
                last_ms[what] = seen_ms
        lines = [
            ErrorLine(what=what, per_s=round(per_s.get(what, 0.0), 3), recent=int(count), last_ms=last_ms[what])
            for what, count in recent.items()
        ]
        return sorted(lines, key=lambda line: (-line.recent, line.what))


class _Since:
    """What one process counted since an earlier report of it; nothing where there is none, or no time passed."""

    def __init__(self, figures: Figures, before: Figures | None) -> None:
        self.figures = figures
        self._before = figures if before is None else before
        self.seconds = figures.at_s - self._before.at_s

    def count(self, field: str, name: str) -> float:
        if self.seconds <= 0:
            return 0.0
        now, before = getattr(self.figures, field).get(name, 0), getattr(self._before, field).get(name, 0)
        return max(0.0, float(now - before))

    def rate(self, field: str, name: str) -> float:
        return self.count(field, name) / self.seconds if self.seconds > 0 else 0.0

    def buckets(self, field: str) -> list[int]:
        now, before = getattr(self.figures, field), getattr(self._before, field)
        return [max(0, n - m) for n, m in zip(now, before, strict=True)] if len(now) == len(before) else []


def _line(report: ProcessReport, figures: Figures, before: Figures | None) -> ProcessLine:
    seconds = 0.0 if before is None else figures.at_s - before.at_s
    return ProcessLine(
        process=report.process,
        roles=report.roles,
        silent_s=round(report.age_s, 1),
        connections=figures.connections,
        lag_records=int(sum(figures.lag_records.values())) if figures.lag_records else None,
        folds=len(figures.lag_records),
        cpu=round((figures.cpu_s - before.cpu_s) / seconds, 3) if before is not None and seconds > 0 else None,
        is_draining=bool(figures.draining),
    )


def _quantiles(parts: Iterable[Sequence[int]]) -> tuple[float | None, float | None, float | None]:
    """The median, 95th and 99th percentile in ms of all that fell into the buckets; None where nothing did.

    Within a bucket values are taken to lie evenly, as Prometheus does; what lies beyond the last bound counts as it.
    """
    counts = [sum(column) for column in zip(*(part for part in parts if part), strict=True)]
    total = sum(counts)
    if not total:
        return None, None, None
    return _quantile(counts, 0.5 * total), _quantile(counts, 0.95 * total), _quantile(counts, 0.99 * total)


def _quantile(counts: Sequence[int], wanted: float) -> float:
    for index, (upto, count) in enumerate(zip(accumulate(counts), counts, strict=True)):
        if upto >= wanted and count:
            if index == len(SECONDS):
                break
            below = SECONDS[index - 1] if index else 0.0
            return round(1_000 * (below + (SECONDS[index] - below) * (1 - (upto - wanted) / count)), 3)
    return 1_000 * SECONDS[-1]
