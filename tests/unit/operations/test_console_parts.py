"""The console's pure parts: figures of many processes joined into one sample, and the difference of two states."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from syncd.errors import StoreUnavailable
from syncd.metrics import SECONDS, Metrics
from syncd.model.canonical import Json
from syncd.operations.console import panel as panel_module
from syncd.operations.console.difference import state_difference
from syncd.operations.console.documents import ENTRIES_MAX, bounded_state
from syncd.operations.console.figures import Figures, figures_of
from syncd.operations.console.panel import CHARTS, ERRORS_RECENT_MS, Panel, Sample
from syncd.store.port import ProcessReport


class Turned:
    """A clock that stands until it is turned."""

    ms = 1_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return 1.0


@dataclass
class Processes:
    """What processes tell; `mine` is the one that shows the console."""

    mine: Figures
    others: dict[str, Figures] = field(default_factory=dict)
    is_away: bool = False
    clock: Turned = field(default_factory=Turned)

    def panel(self) -> Panel:
        return Panel("mine", "api", lambda: self.mine, self._reports, self.clock)

    async def _reports(self) -> Sequence[ProcessReport]:
        if self.is_away:
            raise StoreUnavailable("store: connection refused")
        reports = {"mine": self.mine, **self.others}.items()
        return [ProcessReport(name, "gateway", msgspec.json.encode(figures), 0.5) for name, figures in reports]


def figures(at_s: float, **more: Any) -> Figures:
    return Figures(at_s=at_s, cpu_s=at_s / 4, partitions=2, **more)


def fell(count: int, bucket: int) -> list[int]:
    """So many values in one bucket of `SECONDS`."""
    return [count if n == bucket else 0 for n in range(len(SECONDS) + 1)]


def taken(panel: Panel) -> Sample:
    return asyncio.run(panel.take())


def test_gauges_are_added_and_rates_are_of_the_time_between() -> None:
    told = Processes(figures(10.0), {"far": figures(500.0, connections=3, counts={"deltas": 1_000.0})})
    panel = told.panel()
    first = taken(panel)
    assert first.charts["connections"] == 3
    assert first.charts["deltas"] == 0.0, "what was counted before nobody knows the time of"
    told.mine = figures(12.0, connections=1, counts={"deltas": 8.0})
    told.others["far"] = figures(504.0, connections=4, counts={"deltas": 1_040.0}, errors={"nack limit": 2.0})
    second = taken(panel)
    assert second.charts["connections"] == 5
    assert second.charts["deltas"] == 8 / 2 + 40 / 4
    assert [(line.what, line.per_s, line.recent) for line in second.errors] == [("nack limit", 0.5, 2)]
    assert second.charts["errors"] == 0.5
    assert [line.cpu for line in second.processes] == [0.25, 0.25]
    assert panel.history()["connections"] == [3, 5]
    assert set(panel.history()) == {"at_ms", *CHARTS}


def test_a_process_that_was_started_anew_is_no_negative_rate() -> None:
    told = Processes(figures(1.0), {"far": figures(9.0, counts={"deltas": 90.0})})
    panel = told.panel()
    taken(panel)
    told.others["far"] = figures(1.0, counts={"deltas": 2.0})
    assert taken(panel).charts["deltas"] == 0.0


def test_a_report_that_was_seen_already_counts_once() -> None:
    told = Processes(figures(1.0))
    panel = told.panel()
    taken(panel)
    told.mine = figures(2.0, counts={"deltas": 5.0})
    assert taken(panel).charts["deltas"] == 5.0
    assert taken(panel).charts["deltas"] == 0.0


def test_an_error_is_told_for_a_while_after_it_was_last_seen() -> None:
    told = Processes(figures(1.0))
    panel = told.panel()
    taken(panel)
    for at_s, count in ((2.0, 3.0), (3.0, 4.0), (4.0, 4.0)):
        told.clock.ms += 2_000
        told.mine = figures(at_s, errors={"nack limit": count, "http 500": min(count, 3.0)})
        sample = taken(panel)
    lines = [(line.what, line.per_s, line.recent, line.last_ms) for line in sample.errors]
    assert lines == [("nack limit", 0.0, 4, 5_000), ("http 500", 0.0, 3, 3_000)]
    told.clock.ms = 3_000 + ERRORS_RECENT_MS
    assert [(line.what, line.recent) for line in taken(panel).errors] == [("nack limit", 1)]


def test_latencies_are_quantiles_of_all_gateways() -> None:
    nothing = fell(0, bucket=0)
    told = Processes(figures(1.0, commit_to_delta=nothing), {"far": figures(1.0, commit_to_delta=nothing)})
    panel = told.panel()
    taken(panel)
    assert panel.history()["p50_ms"] == [None], "nothing was sent, so nothing is known"
    told.mine = figures(2.0, commit_to_delta=fell(90, bucket=1))
    told.others["far"] = figures(2.0, commit_to_delta=fell(10, bucket=6))
    charts = taken(panel).charts
    assert charts["p50_ms"] == pytest.approx(0.5 + 0.5 * 50 / 90, abs=0.001)
    assert charts["p95_ms"] == pytest.approx(25 + 25 / 2)
    assert charts["p99_ms"] == pytest.approx(25 + 25 * 0.9)


def test_a_partition_that_nobody_folds_is_named_and_its_lag_is_unknown() -> None:
    told = Processes(figures(1.0), {"far": figures(1.0, lag_records={"1": 7.0}, lag_seconds={"1": 0.25})})
    panel = told.panel()
    sample = taken(panel)
    assert (sample.unfolded, sample.charts["lag_records"], sample.charts["lag_seconds"]) == ([0], 7, 0.25)
    del told.others["far"]
    sample = taken(panel)
    assert (sample.unfolded, sample.charts["lag_records"]) == ([0, 1], None)


def test_while_the_store_is_away_a_sample_holds_this_process_and_says_why() -> None:
    told = Processes(figures(1.0, connections=2), {"far": figures(1.0, connections=3)}, is_away=True)
    sample = taken(told.panel())
    assert sample.charts["connections"] == 2
    assert "connection refused" in sample.trouble


def test_a_store_that_hangs_holds_no_sample_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_module, "SAMPLE_S", 0.01)

    async def never() -> Sequence[ProcessReport]:
        await asyncio.Event().wait()
        raise AssertionError

    sample = taken(Panel("mine", "api", lambda: figures(1.0, connections=2), never, Turned()))
    assert sample.charts["connections"] == 2
    assert "does not answer" in sample.trouble


def test_figures_hold_what_went_wrong_and_not_what_goes_by_itself() -> None:
    metrics = Metrics(partitions=3)
    for code in ("1001", "1006", "4000", "4002", "other"):
        metrics.closes.add(code)
    metrics.http_responses.add("404")
    metrics.http_responses.add("503")
    metrics.events_refused.add("limit", 2)
    metrics.appends.add("written", 9)
    metrics.lag_records.set("1", 4)
    found = figures_of(metrics, at_s=1.5)
    assert found.errors == {"close 4002": 1, "close other": 1, "http 503": 1, "nack limit": 2}
    assert (found.at_s, found.partitions, found.lag_records) == (1.5, 3, {"1": 4})
    assert msgspec.json.decode(msgspec.json.encode(found), type=Figures) == found


def entries(*ids: str) -> list[dict[str, str]]:
    return [{"id": id_, "track": id_.upper()} for id_ in ids]


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, [("a", "removed"), ("b", "changed"), ("c", "added")]),
        ({"q": entries("x", "y")}, {"q": entries("x", "z", "y")}, [("q/z", "added")]),
        ({"q": entries("x", "y", "z")}, {"q": entries("z", "x")}, [("q/y", "removed"), ("q", "reordered")]),
        ({"q": entries("x", "x")}, {"q": entries("x")}, [("q", "changed")]),
        ({"q": [1, 2]}, {"q": [1]}, [("q", "changed")]),
        ({"p": None}, {"p": {"id": "x"}}, [("p", "changed")]),
        ({"digests": {"a": 1}, "p": {"as_of_ms": 1}}, {"digests": {"a": 2}, "p": {"as_of_ms": 2}}, []),
    ],
)
def test_each_thing_that_changed_is_one_line(was: Any, now: Any, told: list[tuple[str, str]]) -> None:
    assert [("/".join(change.path), change.what) for change in state_difference(was, now)] == told


def test_a_state_that_is_too_long_is_cut_and_says_how_long_it_was() -> None:
    many: list[Json] = [{"id": str(n)} for n in range(ENTRIES_MAX + 7)]
    cut = bounded_state({"queue": many, "playlists": [{"items": many}], "settings": {"a": 1}})
    assert cut["cut"] == {"queue": ENTRIES_MAX + 7, "playlists/0/items": ENTRIES_MAX + 7}
    queue = cut["queue"]
    assert isinstance(queue, list)
    assert len(queue) == ENTRIES_MAX
    assert cut["settings"] == {"a": 1}
