"""Charts of a report, as SVG: lines over axes that say what they mean, and a legend beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 220, 14, 44
"""Room around the lines: for the ticks of y, the legend, and the ticks and the label of x."""
COLOURS = ("#1b6ca8", "#c1440e", "#2e7d32", "#7b1fa2", "#b8860b", "#00838f", "#5d4037", "#455a64")
TICKS = 5
NINES_MAX = 4.0
"""How far a tail is drawn: to the 99.99th percentile."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """`place`: where a value lies, from 0 to 1. `ticks`: values and how they are written."""

    label: str
    place: Callable[[float], float]
    ticks: Sequence[tuple[float, str]]


def linear(values: Sequence[float], label: str) -> Axis:
    """From zero on, so that what is flat looks flat, and what is twice as much looks it."""
    step = _round_step(max(values, default=1.0) / TICKS)
    top = step * math.ceil(max([*values, step]) / step - 1e-9)
    ticks = [(step * n, f"{step * n:,g}") for n in range(round(top / step) + 1)]
    return Axis(label, lambda value: value / top, ticks)


def logarithmic(values: Sequence[float], label: str, *, at: Sequence[float] = ()) -> Axis:
    """Equal room for equal factors. Ticks at powers of ten, or where `at` says."""
    least, most = min(values), max(values)
    low, high = (math.log10(least), math.log10(most)) if at else (math.floor(math.log10(least)), _ceil_power(most))
    room = max(high - low, 1e-9)
    ticks = [(value, f"{value:,g}") for value in (at or [10.0**power for power in range(int(low), int(high) + 1)])]
    return Axis(label, lambda value: (math.log10(value) - low) / room, ticks)


def percentiles(label: str) -> Axis:
    """Every further nine gets the same room, so that the tail is seen."""
    ticks = [(share, f"{100 * share:g} %") for share in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)]
    return Axis(label, lambda share: min(NINES_MAX, -math.log10(1 - share)) / NINES_MAX, ticks)


def chart(series: Sequence[tuple[str, Sequence[Point]]], x: Axis, y: Axis, *, dots: bool = False) -> str:
    """Named lines; `dots` marks each point, where points are what was measured."""
    drawn = [_axes(x, y)]
    for number, (name, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        places = [(_x(x, one), _y(y, two)) for one, two in points]
        line = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
        drawn.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if dots:
            drawn += [f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3.5" fill="{colour}"/>' for left, top in places]
        beside, row = WIDTH - RIGHT + 16, TOP + 12 + 18 * number
        drawn.append(f'<rect x="{beside}" y="{row - 9}" width="12" height="12" rx="2" fill="{colour}"/>')
        drawn.append(f'<text x="{beside + 18}" y="{row + 1}">{escape(name)}</text>')
    label = escape(f"{y.label} over {x.label}: {', '.join(name for name, _ in series)}")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


def _axes(x: Axis, y: Axis) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    drawn = []
    for value, text in y.ticks:
        at = _y(y, value)
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        drawn.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{text}</text>')
    for value, text in x.ticks:
        at = _x(x, value)
        drawn.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}"/>')
        drawn.append(f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>')
    middle, centre = (LEFT + right) / 2, (TOP + bottom) / 2
    drawn.append(f'<text class="label" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x.label)}</text>')
    turned = f'transform="rotate(-90 14 {centre})" text-anchor="middle"'
    drawn.append(f'<text class="label" x="14" y="{centre}" {turned}>{escape(y.label)}</text>')
    return "".join(drawn)


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.place(value) * (WIDTH - RIGHT - LEFT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - BOTTOM - TOP)


def _round_step(step: float) -> float:
    """The next larger of 1, 2 and 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(max(step, 1e-9)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _ceil_power(value: float) -> int:
    return math.ceil(math.log10(value) - 1e-9) if value > 0 else 0
