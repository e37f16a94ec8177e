"""A process' numbers in Prometheus' text format: what `/metrics` answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from syncd.metrics import ByLabel, Distribution, Metric, Metrics, table

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def exposition(metrics: Metrics) -> bytes:
    """All numbers in Prometheus' text format, with those of the process (memory, descriptors, processor time)."""
    for refresh in metrics.before_scrape:
        refresh()
    registry = CollectorRegistry()
    registry.register(_Table(metrics))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Table(Collector):
    """The metrics as families of the Prometheus library."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Family]:
        for attribute, metric in table():
            yield _family(metric, getattr(self._metrics, attribute))


def _family(metric: Metric, value: Any) -> Family:
    if isinstance(value, Distribution):
        return HistogramMetricFamily(metric.name, metric.meaning, buckets=value.buckets(), sum_value=value.sum)
    family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    if not isinstance(value, ByLabel):
        return family(metric.name, metric.meaning, value=value)
    labelled = family(metric.name, metric.meaning, labels=[metric.label])
    for label_value, n in value.values.items():
        labelled.add_metric([label_value], n)
    return labelled
