"""Vectors of restamping: pending events and what is known at reconnect -> their new times and data."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from syncd.model.events import EVENTS
from syncd.model.restamp import Pending, Reconnect, restamp
from syncd.model.stamp import NO_STAMP, ms, pack, stamp
from syncd.operations.schemas.samples.events import ACCOUNT, LAPTOP, PHONE, T
from syncd.operations.schemas.vectors.case import Case, Vectors, distinct

_NOW_MS = ms(T)
_HOUR_MS = 3_600_000
_NOW = Reconnect(server_now_ms=_NOW_MS, offset_ms=_HOUR_MS, monotonic_ms=500_000, boot="b2", sent_t=0)
"""The device's wall clock is an hour slow."""


def _made(seq: int, ago_ms: int, kind: str = "playback.paused", data: object = None, **given: Any) -> Pending:
    """An event made `ago_ms` before the reconnect, stamped by the slow clock, within the same boot unless said."""
    wall_ms = _NOW_MS - _HOUR_MS - ago_ms
    pending = Pending(
        stream=ACCOUNT,
        seq=seq,
        t=pack(wall_ms),
        kind=kind,
        data=msgspec.convert({"epoch": f"{PHONE}.4"} if data is None else data, EVENTS[kind]),
        sent=False,
        seen_t=0,
        wall_ms=wall_ms,
        monotonic_ms=_NOW.monotonic_ms - ago_ms,
        boot=_NOW.boot,
    )
    return replace(pending, **given)


def _cases() -> dict[str, tuple[list[Pending], Reconnect]]:
    first = _made(1, 60_000)
    listened = {"episode": "ep7", "position_ms": 5, "through": stamp(first.t, PHONE)}
    answers = [stamp(first.t, PHONE), stamp(T - 9_000 * 2048, LAPTOP)]
    report = {"play": f"{PHONE}.1", "position_ms": 5, "buffering": False, "answers": answers}
    return {
        "nothing is pending": ([], _NOW),
        "same boot: by the monotonic clock": ([first, _made(2, 1_000)], _NOW),
        "same boot: a wall clock that was set meanwhile does not matter": (
            [_made(1, 60_000, wall_ms=_NOW_MS - 5 * _HOUR_MS, t=pack(_NOW_MS - 5 * _HOUR_MS))],
            _NOW,
        ),
        "another boot: by the wall clock and its offset": ([_made(1, 60_000, boot="b1", monotonic_ms=7)], _NOW),
        "a wall clock ahead of the server's counts as now": (
            [_made(1, 0, boot="b1", wall_ms=_NOW_MS + _HOUR_MS, t=pack(_NOW_MS + _HOUR_MS))],
            replace(_NOW, offset_ms=0),
        ),
        "before 1970 counts as 0": ([_made(1, 0, boot="b1", wall_ms=0)], replace(_NOW, offset_ms=-_HOUR_MS)),
        "two in one ms keep their order": ([first, _made(2, 60_000, t=first.t + 1)], _NOW),
        "sent: its time stays": ([_made(1, 60_000, sent=True), _made(2, 1_000)], _NOW),
        "sent with a time from ahead: the next ones follow it": (
            [_made(1, 60_000, sent=True, t=T + 5_000_000), _made(2, 1_000), _made(3, 500)],
            _NOW,
        ),
        "after everything this writer ever sent": ([first], replace(_NOW, sent_t=T + 77)),
        "after everything its maker had seen": ([_made(1, 60_000, seen_t=T + 9_999)], _NOW),
        "a listen-through of a pending event is renamed": (
            [first, _made(2, 1_000, "progress.listened", listened)],
            _NOW,
        ),
        "the first listen-through is not": (
            [first, _made(2, 1_000, "progress.listened", {**listened, "through": NO_STAMP})],
            _NOW,
        ),
        "answers to a pending event are renamed": ([first, _made(2, 1_000, "playback.reported", report)], _NOW),
        "a moment to clear history to moves along": (
            [_made(1, 1_000, "history.cleared", {"before_ms": _NOW_MS - 2 * _HOUR_MS})],
            _NOW,
        ),
        "a moment before 1970 does not": (
            [_made(1, 1_000, "history.cleared", {"before_ms": 0}, boot="b1")],
            replace(_NOW, offset_ms=-_HOUR_MS),
        ),
        "a sleep timer moves along": (
            [_made(1, 1_000, "playback.mode_changed", {"sleep_at_ms": _NOW_MS, "repeat": "one"})],
            _NOW,
        ),
        "a sleep timer that is off does not": ([_made(1, 1_000, "playback.mode_changed", {"sleep_at_ms": None})], _NOW),
    }


def restamps() -> Vectors:
    """`expected`: time and data of each event, in order."""
    return Vectors(
        "Restamping at reconnect what was never sent.",
        distinct(
            [
                Case(
                    name,
                    {
                        "writer": PHONE,
                        "pending": [msgspec.to_builtins(event) for event in pending],
                        "now": msgspec.to_builtins(now),
                    },
                    [
                        {"t": event.t, "data": msgspec.to_builtins(event.data)}
                        for event in restamp(pending, now, writer=PHONE)
                    ],
                )
                for name, (pending, now) in _cases().items()
            ]
        ),
    )
