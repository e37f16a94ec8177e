"""From samples to the distribution that a report draws."""

from __future__ import annotations

from collections.abc import Sequence

from load.generator.job import Spread

SHARES = (
    0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.98, 0.99, 0.995,
    0.999, 0.9995, 0.9999, 1.0,
)  # fmt: skip
"""Which quantiles are kept: enough to draw the tail on a scale that widens it."""


def spread(samples_ns: Sequence[int]) -> Spread | None:
    """None of no samples. A quantile is the sample at its rank, never one made up between two."""
    if not samples_ns:
        return None
    ordered = sorted(samples_ns)
    last = len(ordered) - 1
    quantiles = [(share, round(ordered[min(last, int(share * len(ordered)))] / 1e6, 4)) for share in SHARES]
    return Spread(len(ordered), round(sum(ordered) / len(ordered) / 1e6, 4), quantiles)


def milliseconds(what: str, samples_ns: Sequence[int]) -> dict[str, float]:
    """A few quantiles as figures of a report."""
    found = spread(samples_ns)
    if found is None:
        return {}
    return {f"{what} ms p50": found.at(0.5), f"{what} ms p99": found.at(0.99), f"{what} ms max": found.at(1.0)}
