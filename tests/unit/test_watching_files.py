"""The dashboard and the alerts in docs/operations/: every query is PromQL, of numbers and labels that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector

from syncd import limits
from syncd.metrics import Metric, Metrics, table
from syncd.protocol import close_codes

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "operations"
PAGE = ROOT / "docs" / "operations.md"

OURS = {metric.name: metric for _, metric in table()}
ATTRIBUTES = {metric.name: attribute for attribute, metric in table()}
HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")
TARGET_LABELS = {"job", "instance"}
"""What Prometheus itself puts on every series."""
VALUES = {
    "code": {str(row.code) for row in close_codes.TABLE},
    "status": {str(status.value) for status in HTTPStatus},
}
"""What labels can say whose values stand elsewhere; others are those that are told from the start."""


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    return loaded


def alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in rules["groups"] for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str]]:
    """(where it stands, the query), without Grafana's own variables."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']}", target["expr"].replace("$__rate_interval", "5m")
    for alert in alerts():
        yield f"alert {alert['alert']}", alert["expr"]


def process_metrics() -> set[str]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return {sample.name for family in registry.collect() for sample in family.samples}


def complaints(query: str) -> list[str]:
    """What is wrong with a query."""
    try:
        parsed = promql.parse(query)
    except ValueError as error:
        return [str(error)]
    found: list[str] = []
    labels = set(TARGET_LABELS)

    def visit_selector(node: promql.Expr) -> bool:
        if isinstance(node, promql.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql.VectorSelector):
            metric, more = _metric(str(node.name))
            if metric is None and node.name not in {"up", *process_metrics()}:
                found.append(f"{node.name} is no metric")
            own = TARGET_LABELS | more | ({metric.label} - {""} if metric else set())
            labels.update(own)
            for matcher in node.matchers.matchers:
                if matcher.name not in own:
                    found.append(f"{node.name} has no label {matcher.name}")
                elif metric is not None and matcher.name == metric.label:
                    found.extend(_unheard(metric, matcher))
        return True

    def visit_grouping(node: promql.Expr) -> bool:
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            found.extend(f"by {label}: no such label" for label in node.modifier.labels if label not in labels)
        return True

    promql.walk(parsed, visit_selector)
    promql.walk(parsed, visit_grouping)
    return found


def _metric(name: str) -> tuple[Metric | None, set[str]]:
    """The metric of a series, and the labels that its kind adds."""
    for suffix in HISTOGRAM_SUFFIXES:
        metric = OURS.get(name.removesuffix(suffix))
        if name.endswith(suffix) and metric is not None and metric.kind == "histogram":
            return metric, {"le"} if suffix == "_bucket" else set()
    metric = OURS.get(name)
    return (metric if metric is not None and metric.kind != "histogram" else None), set()


def _unheard(metric: Metric, matcher: promql.Matcher) -> list[str]:
    """Values asked for that the label never has."""
    known = VALUES.get(metric.label) or set(getattr(Metrics(), ATTRIBUTES[metric.name]).values)
    return [
        f"{metric.label} is never {value}"
        for value in matcher.value.split("|")
        if not any(re.fullmatch(value, each) for each in known)
    ]


def test_every_query_asks_for_numbers_that_there_are() -> None:
    found = [f"{where}: {complaint}" for where, query in queries() for complaint in complaints(query)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sum(syncd_connections", "unclosed"),
        ("syncd_sockets", "no metric"),
        ("rate(syncd_append_seconds[5m])", "no metric"),
        ('syncd_lag_records{account="x"}', "no label account"),
        ('syncd_appends_total{outcome="failed"}', "never failed"),
        ('syncd_closes_total{code="4998"}', "never 4998"),
        ("sum by (partition) (syncd_connections)", "no such label"),
        ("histogram_quantile(0.9, sum by (le) (rate(syncd_append_seconds_sum[5m])))", "by le"),
    ],
)
def test_the_check_has_teeth(query: str, said: str) -> None:
    assert any(said in complaint for complaint in complaints(query)), complaints(query)


def test_every_alert_is_on_the_page_that_says_what_to_do() -> None:
    headings = set(re.findall(r"^### (Syncd\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    names = [alert["alert"] for alert in alerts()]
    assert headings == set(names)
    assert len(set(names)) == len(names)
    for alert in alerts():
        assert alert["annotations"]["runbook"] == f"docs/operations.md#{alert['alert'].lower()}"
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in ("page", "ticket")


def test_a_gateway_is_called_full_before_it_is() -> None:
    (full,) = (alert["expr"] for alert in alerts() if alert["alert"] == "SyncdGatewayFull")
    assert full == f"syncd_connections > {limits.CONNECTIONS_MAX * 9 // 10}"


def test_the_dashboard_shows_every_number() -> None:
    """One that nobody can see is not worth counting."""
    shown = "\n".join(query for where, query in queries() if where.startswith("panel"))
    assert [name for name in OURS if name not in shown] == [], "add a query to docs/operations/dashboard.json"


def test_panels_have_places_of_their_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        place = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not place & taken, panel["title"]
        taken |= place


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_quiet() -> None:
    """Whether they do is asked by `make alerts`, which needs Go."""
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text(encoding="utf-8"))
    assert tests["rule_files"] == ["alerts.yml"]
    asked = [question for scene in tests["tests"] for question in scene["alert_rule_test"]]
    for fires in (True, False):
        assert {q["alertname"] for q in asked if bool(q.get("exp_alerts")) is fires} == {a["alert"] for a in alerts()}
