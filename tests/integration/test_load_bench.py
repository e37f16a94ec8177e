"""`make bench` writes its reports, and names who is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from load.bench_report import Absent, Cell, Header, read_report
from load.curve_points import read_points

ROOT = Path(__file__).parents[2]


def test_a_run_writes_both_reports_and_names_a_peer_that_this_machine_lacks(tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    environment = {name: value for name, value in os.environ.items() if name != "CENTRIFUGO_BIN"}
    command = [sys.executable, "-m", "load.bench", "--out", str(out), "--scenarios", "smoke", "--no-pin"]
    ended = subprocess.run(
        [*command, "--servers", "relay-picows,centrifugo"], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    header, relay, centrifugo = read_report(out)
    assert isinstance(header, Header)
    assert isinstance(relay, Cell)
    assert relay.outcome.deliveries > 0
    assert not relay.outcome.wrong
    assert isinstance(centrifugo, Absent)
    assert "CENTRIFUGO_BIN" in centrifugo.why
    assert "not measured: smoke on centrifugo" in ended.stdout
    shown = out.with_suffix(".html").read_text()
    assert "<polyline" in shown
    assert "CENTRIFUGO_BIN" in shown


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    command = [sys.executable, "-m", "load.bench", "--servers", "sinkd"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "'sinkd' is none of syncd-serve, syncd" in ended.stderr


def test_curves_are_measured_written_and_drawn(tmp_path: Path) -> None:
    out = tmp_path / "curves.json"
    command = [sys.executable, "-m", "load.curves", "--curves", "lists", "--sizes", "20,60", "--out", str(out)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    points = read_points(out)
    assert {point.size for point in points} == {20, 60}
    assert all(point.cost > 0 for point in points)
    assert "0 of 2 points" in ended.stderr, "progress while it runs"
    shown = (tmp_path / "latest.html").read_text()
    assert shown.count("<polyline") == len(points) // 2
