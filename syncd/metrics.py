"""Every number a process tells about itself, in one table: the fields of `Metrics`.

The hot path counts in plain attributes (`metrics.events_admitted += 1`), which costs a tenth of a client library's
counter; a scrape reads them. Names are durable and written by hand. Nothing here is labelled by account, device or
stream: what belongs to an account stays out of the numbers. All of it lives on one event loop; nothing is locked.
docs/reference/metrics.md is made from the table by `python -m syncd.metrics`.
"""

from __future__ import annotations

import dataclasses
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, Literal

LABEL_VALUES_MAX: Final = 1_024
"""Values of one label. Partitions fit; a peer may close with any of thousands of codes, which then count as `OTHER`."""
OTHER: Final = "other"

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From a local commit to the longest wait allowed anywhere."""
SIZES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0)
"""Records in a group, up to `limits.APPEND_RECORDS_MAX` and `limits.READ_RECORDS_MAX`."""


class ByLabel:
    """One number for each value of a label.

    Args:
        known: values that are told from the start, as 0: Prometheus sees no rise in a series that begins with 1.
    """

    __slots__ = ("values",)

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.values: dict[str, float] = dict.fromkeys(known, 0)

    def add(self, value: str, n: float = 1) -> None:
        """Count `n` more."""
        key = self._key(value)
        self.values[key] = self.values.get(key, 0) + n

    def set(self, value: str, n: float) -> None:
        """The number is `n` now."""
        self.values[self._key(value)] = n

    def drop(self, value: str) -> None:
        """Say nothing of this value any more, as of a partition that another worker holds now."""
        self.values.pop(value, None)

    def _key(self, value: str) -> str:
        return value if value in self.values or len(self.values) < LABEL_VALUES_MAX else OTHER


class Distribution:
    """How often a value fell below each of some bounds, and the sum of all values."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Take note of one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound, how many values were at most that), as Prometheus counts them; the last bound is infinite."""
        return list(zip([*map(str, self.bounds), "+Inf"], accumulate(self.counts), strict=True))


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table. `label`: the name of the only label, empty when there is none."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    label: str = ""


def _counter(name: str, unit: str, meaning: str) -> int:
    return field(default=0, metadata={"metric": Metric(name, "counter", unit, meaning)})


def _gauge(name: str, unit: str, meaning: str) -> int:
    return field(default=0, metadata={"metric": Metric(name, "gauge", unit, meaning)})


def _by(
    label: str, kind: Literal["counter", "gauge"], name: str, unit: str, meaning: str, *, known: str = ""
) -> ByLabel:
    metric = Metric(name, kind, unit, meaning, label)
    return field(default_factory=lambda: ByLabel(known.split()), metadata={"metric": metric})


def _histogram(bounds: tuple[float, ...], name: str, unit: str, meaning: str) -> Distribution:
    metric = Metric(name, "histogram", unit, meaning)
    return field(default_factory=lambda: Distribution(bounds), metadata={"metric": metric})


@dataclass(slots=True)
class Metrics:
    """The numbers of one process. Owners of a number write it; `before_scrape` is for those that are dear to keep."""

    # --- gateway ---
    connections: int = _gauge("syncd_connections", "connections", "Sockets open now.")
    connections_opened: int = _counter("syncd_connections_opened_total", "connections", "Sockets accepted.")
    handshakes_refused: ByLabel = _by(
        "reason", "counter", "syncd_handshakes_refused_total", "handshakes", "Sockets refused before they opened."
    )
    closes: ByLabel = _by(
        "code",
        "counter",
        "syncd_closes_total",
        "connections",
        "Sockets closed, by the code said first; 1006: none.",
        known="4001 4099",
    )
    subscriptions: int = _gauge("syncd_subscriptions", "subscriptions", "Streams that connections listen to now.")
    events_admitted: int = _counter("syncd_events_admitted_total", "events", "Events made durable and acked.")
    events_seen: int = _counter("syncd_events_seen_total", "events", "Repeats acked as seen, without a second effect.")
    events_refused: ByLabel = _by(
        "reason", "counter", "syncd_events_refused_total", "events", "Events answered by a nack, by its reason."
    )
    events_clamped: int = _counter(
        "syncd_events_clamped_total", "events", "Events whose time lay in the future and was set to now."
    )
    appends: ByLabel = _by(
        "outcome",
        "counter",
        "syncd_appends_total",
        "appends",
        "Grouped appends: written, refused or unknown.",
        known="written refused unknown",
    )
    append_waiting: int = _gauge("syncd_append_waiting_records", "records", "Records waiting for the next append.")
    append_group_records: Distribution = _histogram(
        SIZES, "syncd_append_group_records", "records", "Records of one grouped append."
    )
    append_seconds: Distribution = _histogram(
        SECONDS, "syncd_append_seconds", "seconds", "From handing a group to the log until it is durable."
    )
    # --- push ---
    deltas_sent: int = _counter("syncd_deltas_sent_total", "deltas", "Deltas written to connections.")
    commit_to_delta_seconds: Distribution = _histogram(
        SECONDS,
        "syncd_commit_to_delta_seconds",
        "seconds",
        "From the log's answer to an append of this gateway until its deltas are written to the last subscriber here.",
    )
    admit_to_delta_seconds: Distribution = _histogram(
        SECONDS,
        "syncd_admit_to_delta_seconds",
        "seconds",
        "From a record's admission, mostly by another gateway, until its deltas are written to the last subscriber "
        "here. It holds what lies between the clocks of the two machines; below 0 counts as 0.",
    )
    resumes: ByLabel = _by(
        "kind",
        "counter",
        "syncd_resumes_total",
        "resumes",
        "Subscriptions begun: by tail, cells or snapshot.",
        known="tail cells snapshot",
    )
    outbox_bytes: int = _gauge("syncd_outbox_bytes", "bytes", "Framed bytes that wait in all transports.")
    tailed_partitions: int = _gauge(
        "syncd_tailed_partitions", "partitions", "Partitions of the log that this gateway follows now."
    )
    ring_bytes: int = _gauge("syncd_ring_bytes", "bytes", "Encoded records in the recent ring.")
    slow_readers: int = _gauge("syncd_slow_readers", "connections", "Connections beyond the high mark now.")
    slow_spells: int = _counter("syncd_slow_spells_total", "spells", "Times a connection went beyond the high mark.")
    # --- projector ---
    lag_records: ByLabel = _by(
        "partition", "gauge", "syncd_lag_records", "records", "Records between the checkpoint and the log's end."
    )
    lag_seconds: ByLabel = _by(
        "partition", "gauge", "syncd_lag_seconds", "seconds", "Age of the oldest record that is not folded yet."
    )
    leases: int = _gauge("syncd_leases", "leases", "Partitions that this worker folds now.")
    leases_lost: int = _counter("syncd_leases_lost_total", "leases", "Leases lost to another worker or to time.")
    projector_stalls: int = _counter(
        "syncd_projector_stalls_total", "stalls", "Folds begun anew because they stood still while the log went on."
    )
    projected_records: int = _counter("syncd_projected_records_total", "records", "Records folded and committed.")
    projector_batch_records: Distribution = _histogram(
        SIZES, "syncd_projector_batch_records", "records", "Records of one commit."
    )
    projector_commit_seconds: Distribution = _histogram(
        SECONDS, "syncd_projector_commit_seconds", "seconds", "One commit of cells and checkpoint."
    )
    cells_changed: int = _counter("syncd_cells_changed_total", "cells", "Cells that a commit changed.")
    dead_letters: int = _counter("syncd_dead_letters_total", "records", "Records set aside because they never fold.")
    dead_letters_waiting: ByLabel = _by(
        "partition", "gauge", "syncd_dead_letters_waiting", "records", "Records set aside, neither retried nor dropped."
    )
    unknown_kinds: int = _counter(
        "syncd_unknown_kinds_total", "records", "Records of kinds this version does not know; they fold to nothing."
    )
    # --- api ---
    http_responses: ByLabel = _by(
        "status",
        "counter",
        "syncd_http_responses_total",
        "responses",
        "HTTP answers, by status.",
        known="500",
    )
    http_seconds: Distribution = _histogram(
        SECONDS, "syncd_http_seconds", "seconds", "From an HTTP request to its answer."
    )
    # --- process ---
    statements: int = _counter(
        "syncd_statements_total", "statements", "Statements run in Postgres, but for the appends of its log."
    )
    partitions: int = _gauge("syncd_partitions", "partitions", "Partitions of the log.")
    draining: int = _gauge("syncd_draining", "flag", "1 from the request to stop until the end.")

    before_scrape: list[Callable[[], None]] = field(default_factory=list)
    """Called at each scrape, to set the numbers that nobody keeps up to date in between."""


def table() -> list[tuple[str, Metric]]:
    """(attribute, metric) of every number, in the order of the fields."""
    return [(f.name, f.metadata["metric"]) for f in dataclasses.fields(Metrics) if "metric" in f.metadata]


def _row(entry: tuple[str, Metric]) -> str:
    metric = entry[1]
    label = f"`{metric.label}`" if metric.label else "-"
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {label} | {metric.meaning} |"


def reference() -> str:
    """The page docs/reference/metrics.md."""
    rows = "\n".join(map(_row, table()))
    return f"""# Metrics

Served at `/metrics` in Prometheus' text format. A process that does not play a role leaves the numbers of that role at
zero, and those with a label out. A label has at most {LABEL_VALUES_MAX} values; what comes beyond counts as `{OTHER}`.
`process_*` are those of the Prometheus library: memory, descriptors, processor time.

| name | kind | unit | label | meaning |
|---|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    sys.stdout.write(reference())
