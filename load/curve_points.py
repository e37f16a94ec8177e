"""What a curve is made of: the cost of one unit of work, beside how much there is of something."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct


class CurvePoint(Struct, frozen=True, kw_only=True):
    """One measurement.

    Attributes:
        curve: what grows, as "connections".
        step: what was paid for.
        sizes: what `size` counts.
        cost: of one unit, in `unit`: flat where cost is linear.
    """

    curve: str
    step: str
    size: float
    sizes: str
    cost: float
    unit: str


def growth(line: Sequence[tuple[float, float]]) -> float:
    """How many times the cost of one unit at the largest size is that at the smallest."""
    return line[-1][1] / line[0][1] if line[0][1] else 1.0


def write_points(path: Path, points: Sequence[CurvePoint]) -> None:
    """As JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(point) + b"\n" for point in points))


def read_points(path: Path) -> list[CurvePoint]:
    """Those of a file; none where there is no file."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=CurvePoint) for line in path.read_bytes().splitlines()]
