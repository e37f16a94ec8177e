"""The report's page: axes that do not lie, every curve and every server on it, and no markup by accident."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from load.bench_page import page
from load.bench_report import Absent, Cell, Header, Line
from load.charts import HEIGHT, WIDTH, chart, linear, logarithmic, percentiles
from load.curve_points import CurvePoint, growth, read_points, write_points
from load.generator.job import Outcome, Spread
from load.scenarios import Paced


def point(size: float, cost: float, *, curve: str = "work over connections", step: str = "gateway") -> CurvePoint:
    return CurvePoint(curve=curve, step=step, size=size, sizes="connections", cost=cost, unit="us a delivery")


def cell(server: str, *, factor: float = 1.0) -> Cell:
    quantiles = [(0.0, 0.1 * factor), (0.5, 1.0 * factor), (0.99, 8.0 * factor), (1.0, 9.0 * factor)]
    outcome = Outcome(
        window_s=1, events=10, acks=10, deliveries=20, bytes_received=1, cpu_s={"gateway": 0.5, "postgres": 0.2},
        generator_cpu_s=0.1, latency=Spread(20, 1.0, quantiles), remarks=["a < b"],
    )  # fmt: skip
    return Cell(
        server=server, about="", scenario="paced", settings=Paced(rate=10), round=1, started="now", front="gateway",
        outcome=outcome,
    )  # fmt: skip


def lines() -> list[Line]:
    header = Header(started="now", machine="<machine>", pinned=True, command=[])
    return [header, cell("syncd"), cell("peer", factor=3), Absent(server="gone", scenario="paced", round=1, why="why")]


def test_an_axis_from_zero_shows_flat_as_flat_and_twice_as_twice() -> None:
    axis = linear([10.0, 20.0], "us")
    assert axis.place(0) == 0
    assert axis.place(20) == 2 * axis.place(10) <= 1
    assert axis.ticks[0] == (0.0, "0")
    assert [text for _, text in linear([0.34], "x").ticks] == ["0", "0.1", "0.2", "0.3", "0.4"]


def test_on_a_logarithmic_axis_equal_factors_have_equal_room() -> None:
    axis = logarithmic([0.3, 40.0], "ms")
    assert [text for _, text in axis.ticks] == ["0.1", "1", "10", "100"]
    assert axis.place(1) - axis.place(0.1) == pytest.approx(axis.place(100) - axis.place(10))
    given = logarithmic([1_000, 3_000, 10_000], "connections", at=[1_000, 3_000, 10_000])
    assert (given.place(1_000), given.place(10_000)) == (0, 1)
    assert [text for _, text in given.ticks] == ["1,000", "3,000", "10,000"]


def test_every_further_nine_of_a_percentile_has_the_same_room() -> None:
    axis = percentiles("share")
    assert axis.place(0.99) - axis.place(0.9) == pytest.approx(axis.place(0.999) - axis.place(0.99))
    assert axis.place(0.999999) == 1


def test_what_is_drawn_lies_within_the_picture_and_is_well_formed() -> None:
    values = [(1.0, 5.0), (10.0, 50.0), (100.0, 20.0)]
    x, y = logarithmic([1, 100], "n", at=[1, 10, 100]), linear([5.0, 50.0], "us")
    drawn = ET.fromstring(chart([("a & b", values)], x, y, dots=True))
    (line,) = drawn.iter("polyline")
    places = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert all(0 < left < WIDTH and 0 < top < HEIGHT for left, top in places)
    assert places[1][1] < places[2][1] < places[0][1], "more is higher"
    assert len(list(drawn.iter("circle"))) == 3
    assert "a & b" in [text.text for text in drawn.iter("text")]


def test_the_page_shows_every_server_every_curve_and_what_was_not_measured() -> None:
    points = [point(1_000, 20.0), point(10_000, 30.0), point(1_000, 4.0, curve="other", step="<step>")]
    text = page(lines(), points)
    assert text.count("<svg") == text.count("</svg>") == 3
    assert text.count("<polyline") == 2 + 2
    for said in ("gateway: 1.50 times", "gone", "why", "&lt;machine&gt;", "a &lt; b", "&lt;step&gt;"):
        assert said in text
    assert not re.search(r"<(machine|step)>", text)


def test_a_page_without_a_run_shows_the_curves_alone() -> None:
    text = page([], [point(1, 2.0)])
    assert text.count("<svg") == 1


def test_points_survive_their_file_and_none_is_no_file(tmp_path: Path) -> None:
    points = [point(1, 2.0), point(10, 4.0)]
    file = tmp_path / "report" / "curves.json"
    assert read_points(file) == []
    write_points(file, points)
    assert read_points(file) == points
    assert growth([(each.size, each.cost) for each in points]) == 2.0
