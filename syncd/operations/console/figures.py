"""How one process does, as it tells others: a few numbers of its registry, most of them counted since its start."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from syncd.metrics import Metrics

CLOSES_OF_TROUBLE: Final = 4001
"""Sockets closed with a smaller code went by themselves, lost their network, or were sent to another gateway."""
STATUS_OF_TROUBLE: Final = 500


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One process at one moment.

    Attributes:
        at_s: its monotonic clock; two of the same process tell how far apart they are.
        cpu_s: processor seconds it has used.
        lag_records, lag_seconds, dead_letters: of the partitions that it folds, by their numbers.
        counts: since its start.
        errors: since its start, by what went wrong.
        commit_to_delta, admit_to_delta: how many fell between the bounds of `metrics.SECONDS`, since its start.
    """

    at_s: float
    cpu_s: float
    connections: int = 0
    subscriptions: int = 0
    slow_readers: int = 0
    outbox_bytes: int = 0
    draining: int = 0
    partitions: int = 0
    lag_records: dict[str, float] = {}
    lag_seconds: dict[str, float] = {}
    dead_letters: dict[str, float] = {}
    counts: dict[str, float] = {}
    errors: dict[str, float] = {}
    commit_to_delta: list[int] = []
    admit_to_delta: list[int] = []


encode_figures: Callable[[Figures], bytes] = msgspec.json.Encoder().encode
"""As a process tells them to the store."""


def figures_of(metrics: Metrics, *, at_s: float) -> Figures:
    """This process now."""
    for refresh in metrics.before_scrape:
        refresh()
    return Figures(
        at_s=at_s,
        cpu_s=time.process_time(),
        connections=metrics.connections,
        subscriptions=metrics.subscriptions,
        slow_readers=metrics.slow_readers,
        outbox_bytes=metrics.outbox_bytes,
        draining=metrics.draining,
        partitions=metrics.partitions,
        lag_records=dict(metrics.lag_records.values),
        lag_seconds=dict(metrics.lag_seconds.values),
        dead_letters=dict(metrics.dead_letters_waiting.values),
        counts={
            "opened": metrics.connections_opened,
            "admitted": metrics.events_admitted,
            "deltas": metrics.deltas_sent,
            "folded": metrics.projected_records,
        },
        errors={what: n for what, n in _errors(metrics) if n},
        commit_to_delta=list(metrics.commit_to_delta_seconds.counts),
        admit_to_delta=list(metrics.admit_to_delta_seconds.counts),
    )


def _errors(metrics: Metrics) -> Iterator[tuple[str, float]]:
    """What went wrong, in words that the documentation knows."""
    yield from ((f"nack {reason}", n) for reason, n in metrics.events_refused.values.items())
    yield from ((f"append {how}", n) for how, n in metrics.appends.values.items() if how != "written")
    yield from ((f"close {code}", n) for code, n in metrics.closes.values.items() if _at_least(code, CLOSES_OF_TROUBLE))
    yield from ((f"handshake: {reason}", n) for reason, n in metrics.handshakes_refused.values.items())
    statuses = metrics.http_responses.values.items()
    yield from ((f"http {status}", n) for status, n in statuses if _at_least(status, STATUS_OF_TROUBLE))
    yield "dead letter", metrics.dead_letters
    yield "unknown kind", metrics.unknown_kinds
    yield "lease lost", metrics.leases_lost
    yield "projector stood still", metrics.projector_stalls


def _at_least(number: str, least: int) -> bool:
    """Of a label's value; what came beyond a label's bound is no number, and counts."""
    return not number.isdecimal() or int(number) >= least
