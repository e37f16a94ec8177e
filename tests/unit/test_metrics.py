"""The table of metrics, how they are counted, and the page made from it."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from syncd.api.exposition import exposition
from syncd.metrics import LABEL_VALUES_MAX, OTHER, ByLabel, Distribution, Metrics, reference, table

REPOSITORY = Path(__file__).resolve().parents[2]
# What a label may tell: never whose it is.
LABELS = {"", "reason", "code", "outcome", "kind", "partition", "status"}


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """(name, labels) -> value, as Prometheus reads them."""
    families = text_string_to_metric_families(exposition(metrics).decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_every_metric_has_a_name_of_ours_once_and_a_meaning() -> None:
    rows = [metric for _, metric in table()]
    assert len({metric.name for metric in rows}) == len(rows)
    for metric in rows:
        assert re.fullmatch(r"syncd_[a-z]+(_[a-z]+)*", metric.name)
        assert (metric.kind == "counter") is metric.name.endswith("_total"), metric.name
        assert metric.unit
        assert metric.meaning.endswith("."), metric.name
        assert metric.label in LABELS


def test_every_metric_is_told_with_what_was_counted() -> None:
    metrics = Metrics()
    for attribute, _ in table():
        value = getattr(metrics, attribute)
        if isinstance(value, ByLabel):
            value.add("x", 2)
        elif isinstance(value, Distribution):
            value.observe(2)
        else:
            setattr(metrics, attribute, 2)
    told = samples(metrics)
    for attribute, metric in table():
        if metric.kind == "histogram":
            assert told[f"{metric.name}_sum", ()] == 2, attribute
            assert told[f"{metric.name}_count", ()] == 1, attribute
        else:
            labels = ((metric.label, "x"),) if metric.label else ()
            assert told[metric.name, labels] == 2, attribute


def test_a_label_without_values_says_nothing() -> None:
    told = samples(Metrics())
    assert ("syncd_connections", ()) in told
    assert not any(name == "syncd_lag_records" for name, _ in told)


def test_a_label_that_is_dropped_is_told_no_more() -> None:
    metrics = Metrics()
    metrics.lag_records.set("0", 5)
    metrics.lag_records.set("1", 6)
    metrics.lag_records.drop("0")
    assert metrics.lag_records.values == {"1": 6}


def test_what_an_alert_waits_for_is_told_before_it_happens() -> None:
    told = samples(Metrics())
    assert told["syncd_appends_total", (("outcome", "unknown"),)] == 0
    assert told["syncd_closes_total", (("code", "4099"),)] == 0


def test_a_peer_cannot_make_labels_without_end() -> None:
    by = ByLabel()
    for code in range(LABEL_VALUES_MAX + 10):
        by.add(str(code))
    by.add("0")
    assert len(by.values) == LABEL_VALUES_MAX + 1
    assert by.values[OTHER] == 10
    assert by.values["0"] == 2


def test_a_value_at_a_bound_counts_below_it_and_buckets_add_up() -> None:
    distribution = Distribution((1.0, 10.0))
    for value in (0.5, 1.0, 1.5, 10.0, 11.0):
        distribution.observe(value)
    assert distribution.buckets() == [("1.0", 2), ("10.0", 4), ("+Inf", 5)]
    assert distribution.sum == 24.0


def test_numbers_that_nobody_keeps_are_asked_for_at_each_scrape() -> None:
    metrics = Metrics()
    sockets = [b"abc"]

    def refresh() -> None:
        metrics.outbox_bytes = sum(map(len, sockets))

    metrics.before_scrape.append(refresh)
    assert samples(metrics)["syncd_outbox_bytes", ()] == 3
    sockets.append(b"de")
    assert samples(metrics)["syncd_outbox_bytes", ()] == 5


def test_the_process_itself_is_told() -> None:
    assert samples(Metrics())["process_resident_memory_bytes", ()] > 0


def test_two_sets_of_metrics_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.closes.add("4000")
    one.append_seconds.observe(1)
    assert other.closes.values == {"4001": 0, "4099": 0}
    assert sum(other.append_seconds.counts) == 0


def test_the_reference_page_is_current() -> None:
    page = REPOSITORY / "docs" / "reference" / "metrics.md"
    assert page.read_text() == reference(), "write it anew: python -m syncd.metrics > docs/reference/metrics.md"
