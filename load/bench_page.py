"""The report as a page that a person can look at: cost by server, and latency distributions whose tail is widened."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape

from load.bench_report import Absent, Cell, Header, Line

WIDTH, HEIGHT, MARGIN = 720, 300, 60
COLOURS = ("#1b6ca8", "#c1440e", "#2e7d32", "#7b1fa2", "#b8860b", "#00838f", "#5d4037", "#455a64")
NINES_MAX = 4.0
"""How far the tail is drawn: to the 99.99th percentile."""
_HEAD = (
    '<!doctype html><meta charset="utf-8"><title>syncd beside others</title><style>'
    "body{font:14px system-ui;margin:2em auto;max-width:60em}table{border-collapse:collapse}"
    "td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}"
    "svg{background:#fafafa;margin:1em 0}</style>"
)


def page(lines: Sequence[Line]) -> str:
    """The whole page; it needs no other file."""
    header = next(line for line in lines if isinstance(line, Header))
    cells: dict[str, list[Cell]] = defaultdict(list)
    for line in lines:
        if isinstance(line, Cell):
            cells[line.scenario].append(line)
    parts = [_HEAD, "<h1>syncd beside others</h1>", f"<p>{escape(header.started)}, {escape(header.machine)}, "]
    parts.append(f"{'server and generator on a core each' if header.pinned else 'cores left to the scheduler'}</p>")
    for scenario, measured in cells.items():
        parts += [f"<h2>{escape(scenario)}</h2>", _table(measured), _curves(measured)]
    absent = [line for line in lines if isinstance(line, Absent)]
    if absent:
        rows = (f"<li>{escape(each.scenario)} on {escape(each.server)}: {escape(each.why)}</li>" for each in absent)
        parts += ["<h2>Not measured</h2><ul>", *dict.fromkeys(rows), "</ul>"]
    return "\n".join(parts) + "\n"


def _table(cells: Sequence[Cell]) -> str:
    names = list(dict.fromkeys(name for cell in cells for name in cell.outcome.figures))
    head = ("server", "deliveries per CPU s", "with all", "ms p50", "ms p99", *names, "generator", "remarks")
    return f"<table>{_row('th', head)}{''.join(_row('td', _shown(cell, names)) for cell in cells)}</table>"


def _shown(cell: Cell, names: Iterable[str]) -> list[str]:
    outcome = cell.outcome
    costs = ["-" if cost is None else f"{cost:,.0f}" for cost in (cell.per_cpu_s, cell.per_cpu_s_in_all)]
    latency = outcome.latency
    times = ["-", "-"] if latency is None else [f"{latency.at(share):.2f}" for share in (0.5, 0.99)]
    figures = [f"{outcome.figures[name]:,.2f}" if name in outcome.figures else "-" for name in names]
    share = f"{outcome.generator_cpu_s / outcome.window_s:.0%}"
    return [cell.server, *costs, *times, *figures, share, "; ".join(outcome.remarks)]


def _row(tag: str, values: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(value)}</{tag}>" for value in values) + "</tr>"


def _curves(cells: Sequence[Cell]) -> str:
    """Latency over percentile, both on scales of powers of ten: every further nine gets the same room."""
    spreads = [(cell.server, cell.outcome.latency) for cell in cells if cell.outcome.latency is not None]
    if not spreads:
        return ""
    times = [ms for _, spread in spreads for share, ms in spread.quantiles_ms if 0 < share < 1 and ms > 0]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)) + 1e-9)

    def x(share: float) -> float:
        return MARGIN + min(NINES_MAX, -math.log10(1 - share)) / NINES_MAX * (WIDTH - 2 * MARGIN)

    def y(ms: float) -> float:
        return HEIGHT - MARGIN / 2 - (math.log10(ms) - low) / max(1, high - low) * (HEIGHT - MARGIN)

    drawn = []
    for power in range(low, high + 1):
        at = y(10.0**power)
        drawn.append(f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{at:.0f}" y2="{at:.0f}" stroke="#ddd"/>')
        drawn.append(f'<text x="4" y="{at + 4:.0f}" font-size="11">{10.0**power:g} ms</text>')
    for share in (0.5, 0.9, 0.99, 0.999, 0.9999):
        drawn.append(f'<text x="{x(share) - 12:.0f}" y="{HEIGHT - 2}" font-size="11">{100 * share:g} %</text>')
    for number, (server, spread) in enumerate(spreads):
        colour = COLOURS[number % len(COLOURS)]
        points = [f"{x(share):.1f},{y(ms):.1f}" for share, ms in spread.quantiles_ms if 0 < share < 1 and ms > 0]
        drawn.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(f'<text x="{MARGIN + 8}" y="{16 + 14 * number}" fill="{colour}">{escape(server)}</text>')
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">{"".join(drawn)}</svg>'
