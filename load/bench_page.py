"""The report as a page that a person can look at: cost by server, latency distributions whose tail is widened, and how
cost grows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape

from load.bench_report import SYNCD, Absent, Cell, Header, Line
from load.charts import chart, linear, logarithmic, percentiles
from load.curve_points import CurvePoint, growth

_HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>syncd beside others</title><style>'
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}"
    "h2{margin-top:2.5em;border-bottom:2px solid #eee}p.about{color:#555}"
    "div.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "td,th{padding:.25em .7em;text-align:right;border-bottom:1px solid #e5e5e5;white-space:nowrap}"
    "th{font-weight:600;color:#555;white-space:normal;vertical-align:bottom;max-width:8em}td:first-child,th:first-child{text-align:left}"
    "th:last-child{text-align:left}td.remarks{text-align:left;white-space:normal;color:#a33}td.remarks:not(:empty){min-width:20em}tr.ours{background:#eef5fb}"
    "svg{width:100%;height:auto;background:#fcfcfc;margin:1em 0;font:12px system-ui,sans-serif}"
    "svg .grid{stroke:#e5e5e5}svg .label{fill:#555}"
    "</style>"
)


def page(lines: Sequence[Line], points: Sequence[CurvePoint] = ()) -> str:
    """The whole page; it needs no other file. `points`: of the curves that were measured last."""
    cells: dict[str, list[Cell]] = defaultdict(list)
    for line in lines:
        if isinstance(line, Cell):
            cells[line.scenario].append(line)
    parts = [_HEAD, "<h1>syncd beside others</h1>", *map(_run, (line for line in lines if isinstance(line, Header)))]
    for scenario, measured in cells.items():
        parts += [f"<h2>{escape(scenario)}</h2>", f'<p class="about">{escape(str(measured[0].settings))}</p>']
        parts += [_table(measured), _latencies(measured)]
    parts += _growing(points)
    absent = [line for line in lines if isinstance(line, Absent)]
    if absent:
        rows = (f"<li>{escape(each.scenario)} on {escape(each.server)}: {escape(each.why)}</li>" for each in absent)
        parts += ["<h2>Not measured</h2><ul>", *dict.fromkeys(rows), "</ul>"]
    return "\n".join(parts) + "\n"


def _run(header: Header) -> str:
    cores = "server and generator on a core each" if header.pinned else "cores left to the scheduler"
    build = f"; build of syncd's hot path: {header.compiled}" if header.compiled else ""
    return f"<p>{escape(header.started)}, {escape(header.machine)}, {cores}{escape(build)}</p>"


def _table(cells: Sequence[Cell]) -> str:
    names = list(dict.fromkeys(name for cell in cells for name in cell.outcome.figures))
    rates = () if names else ("deliveries per CPU s", "with all", "ms p50", "ms p99")
    head = ("server", *rates, *names, "generator", "remarks")
    rows = [_row(_shown(cell, names), ours=cell.server == SYNCD, remarks=cell.outcome.remarks) for cell in cells]
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f'<div class="wide"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'


def _shown(cell: Cell, names: Iterable[str]) -> list[str]:
    outcome = cell.outcome
    share = f"{outcome.generator_cpu_s / outcome.window_s:.0%}"
    if figures := [_number(outcome.figures[name]) if name in outcome.figures else "-" for name in names]:
        return [cell.server, *figures, share]
    costs = ["-" if cost is None else f"{cost:,.0f}" for cost in (cell.per_cpu_s, cell.per_cpu_s_in_all)]
    latency = outcome.latency
    times = ["-", "-"] if latency is None else [f"{latency.at(share):.2f}" for share in (0.5, 0.99)]
    return [cell.server, *costs, *times, share]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"


def _row(values: Iterable[str], *, ours: bool, remarks: Sequence[str]) -> str:
    cells = "".join(f"<td>{escape(value)}</td>" for value in values)
    return f'<tr{" class=ours" if ours else ""}>{cells}<td class="remarks">{escape("; ".join(remarks))}</td></tr>'


def _latencies(cells: Sequence[Cell]) -> str:
    """Latency over percentile, both on scales of powers of ten."""
    series = [
        (cell.server, [(share, ms) for share, ms in cell.outcome.latency.quantiles_ms if share < 1 and ms > 0])
        for cell in cells
        if cell.outcome.latency is not None
    ]
    times = [ms for _, points in series for _, ms in points]
    if not times:
        return ""
    return chart(series, percentiles("share of deliveries"), logarithmic(times, "ms, device to device"))


def _growing(points: Sequence[CurvePoint]) -> list[str]:
    """One chart for each curve: the cost of one unit of work, over how much there is."""
    curves: dict[str, list[CurvePoint]] = defaultdict(list)
    for point in points:
        curves[point.curve].append(point)
    parts = ["<h2>How cost grows</h2>"] if curves else []
    for name, measured in curves.items():
        steps: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for point in measured:
            steps[point.step].append((point.size, point.cost))
        sizes = sorted({point.size for point in measured})
        x = logarithmic(sizes, measured[0].sizes, at=sizes)
        y = linear([each.cost for each in measured], measured[0].unit)
        parts += [f"<h3>{escape(name)}</h3>", chart(list(steps.items()), x, y, dots=True)]
        said = "; ".join(f"{step}: {growth(line):.2f} times" for step, line in steps.items())
        parts.append(f'<p class="about">From {sizes[0]:,g} to {sizes[-1]:,g}: {escape(said)}</p>')
    return parts
