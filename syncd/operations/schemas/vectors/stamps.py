"""Vectors of times, stamps, ranks, ids inside keys, and what admission does to a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd.model.ids import key_part
from syncd.model.stamp import T_MAX, HybridClock, admitted_t, digits, is_expired, ms, pack, stamp
from syncd.operations.schemas.samples.events import LAPTOP, PHONE, T
from syncd.operations.schemas.vectors.case import Case, Vectors, distinct

_DAY_MS = 86_400_000


def _ticked(readings: list[dict[str, int]]) -> list[int]:
    clock = HybridClock()
    lasts = []
    for reading in readings:
        if "receive" in reading:
            clock.receive(reading["receive"])
        else:
            clock.tick(reading["tick"])
        lasts.append(clock.last)
    return lasts


ANSWERS: Mapping[str, Callable[..., Any]] = {
    "digits": lambda n: digits(n),
    "pack": lambda ms, counter: pack(ms, counter),
    "ms": lambda t: ms(t),
    "stamp": lambda t, writer: stamp(t, writer),
    "clock": _ticked,
    "admitted_t": admitted_t,
    "is_expired": is_expired,
    "key_part": key_part,
}
"""What is asked (`op`) -> the function that answers; the rest of the input are its arguments."""


def stamps() -> Vectors:
    """One question a case: `op`, and its arguments."""
    now_ms = ms(T)
    questions: list[tuple[str, str, dict[str, Any]]] = [
        *(
            ("digits", f"of {n}", {"n": n})
            for n in (0, 1, 31, 32, 1023, 1024, 32767, 32768, 2**31, 2**32, 2**45, T, T_MAX)
        ),
        ("pack", "no counter", {"ms": now_ms, "counter": 0}),
        ("pack", "a full counter", {"ms": now_ms, "counter": 2047}),
        ("pack", "a counter that carries", {"ms": now_ms, "counter": 2048}),
        *(("ms", f"of {t}", {"t": t}) for t in (0, 2047, 2048, 2**31, T, T + 2047, T + 2048, T_MAX)),
        ("stamp", "of the phone", {"t": T, "writer": PHONE}),
        ("stamp", "of the laptop", {"t": T, "writer": LAPTOP}),
        ("stamp", "the smallest", {"t": 0, "writer": "0000000000"}),
        ("clock", "time goes on", {"readings": [{"tick": now_ms}, {"tick": now_ms + 1}, {"tick": now_ms + 1}]}),
        ("clock", "time goes back", {"readings": [{"tick": now_ms}, {"tick": now_ms - 5}, {"tick": 0}]}),
        ("clock", "a time from ahead", {"readings": [{"tick": now_ms}, {"receive": T + 9 * 2048}, {"tick": now_ms}]}),
        ("clock", "a time from behind", {"readings": [{"tick": now_ms}, {"receive": T - 1}, {"tick": now_ms}]}),
        (
            "clock",
            "2,049 events in one ms carry",
            {"readings": [{"receive": T + 2046}, {"tick": now_ms}, {"tick": now_ms}]},
        ),
        *(("admitted_t", name, {"ahead_ms_max": 500, **given}) for name, given in _admissions(now_ms).items()),
        ("is_expired", "never without valid_ms", {"t": 0, "valid_ms": None, "now_ms": now_ms}),
        ("is_expired", "at the last ms", {"t": T, "valid_ms": 10_000, "now_ms": now_ms + 10_000}),
        ("is_expired", "one ms later", {"t": T, "valid_ms": 10_000, "now_ms": now_ms + 10_001}),
        ("is_expired", "valid for no time", {"t": T + 5, "valid_ms": 0, "now_ms": now_ms}),
        *(("key_part", name, {"text": text}) for name, text in _IDS.items()),
    ]
    return Vectors(
        "Packed times (53 bits), their digits (11, base 32), stamps, a writer's clock, admission, and ids inside keys.",
        distinct([Case(f"{op}: {name}", {"op": op, **given}, ANSWERS[op](**given)) for op, name, given in questions]),
    )


def _admissions(now_ms: int) -> dict[str, dict[str, int]]:
    return {
        "as stamped": {"t": T, "now_ms": now_ms, "last_t": 0},
        "500 ms ahead stays": {"t": pack(now_ms + 500, 7), "now_ms": now_ms, "last_t": 0},
        "501 ms ahead is set to now": {"t": pack(now_ms + 501), "now_ms": now_ms, "last_t": 0},
        "3 days ahead is set to now": {"t": pack(now_ms + 3 * _DAY_MS), "now_ms": now_ms, "last_t": 0},
        "3 days behind stays": {"t": pack(now_ms - 3 * _DAY_MS), "now_ms": now_ms, "last_t": 0},
        "rises within a writer": {"t": T, "now_ms": now_ms, "last_t": T + 40},
        "set to now, then rises": {"t": T_MAX, "now_ms": now_ms, "last_t": T + 40},
    }


_IDS = {
    "safe": "aZ09._:~-",
    "a track's": "spotify:track:4uLU6hMCjMI75M1A2tKUQC",
    "a slash": "d1/equalizer",
    "a space and a percent sign": "100% sure",
    "what other encoders leave": "!*'()@$&+,;=?#[]",
    "beyond ASCII": "caf\u00e9 \u2603",
    "beyond the basic plane": "\U0001f3b5",
    "controls": "\u0001\n\u007f",
}
