"""What orders two writes of one cell: a hybrid logical clock in 53 bits, then the writer.

A time `t` packs 42 bits of ms since the Unix epoch and 11 bits of counter, so it is exact in a JavaScript number and a
`bigint`. Source: merge.md section 1.
"""

from __future__ import annotations

COUNTER_BITS = 11
T_MAX = 2**53 - 1
STAMP_LENGTH = 21
"""11 digits of time and 10 of writer."""
NO_STAMP = "0" * STAMP_LENGTH
"""Stands where a cell is answered that does not exist; smaller than every real stamp."""

_DIGITS = "0123456789abcdefghijklmnopqrstuv"
# Three base-32 digits at a time: 11 are 2 + 3 + 3 + 3, so a time costs four look-ups instead of eleven divisions. The
# format string joins them at once, without a text for each step.
_TRIPLES = [a + b + c for a in _DIGITS for b in _DIGITS for c in _DIGITS]
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]


def ms(t: int) -> int:
    """The ms part of a packed time."""
    return t >> COUNTER_BITS


def pack(ms_: int, counter: int = 0) -> int:
    """A packed time; a counter of 2048 and more carries into the ms."""
    return (ms_ << COUNTER_BITS) + counter


def digits(n: int) -> str:
    """`T(t)` and `N(n)`: 11 digits of base 32, most significant first. `n` is 0 to 2^55 - 1."""
    return f"{_PAIRS[n >> 45]}{_TRIPLES[(n >> 30) & 32767]}{_TRIPLES[(n >> 15) & 32767]}{_TRIPLES[n & 32767]}"


def from_digits(text: str) -> int:
    """The inverse of `digits`."""
    return int(text, 32)


def stamp(t: int, writer: str) -> str:
    """The rank of a register: time, then writer. Spelled out: it is half of what lowering a small event costs."""
    return f"{_PAIRS[t >> 45]}{_TRIPLES[(t >> 30) & 32767]}{_TRIPLES[(t >> 15) & 32767]}{_TRIPLES[t & 32767]}{writer}"


def stamp_t(rank: str) -> int:
    """The time in the first 11 digits of a rank."""
    return int(rank[:11], 32)


def admitted_t(t: int, *, now_ms: int, ahead_ms_max: int, last_t: int) -> int:
    """The time an event is admitted with: one from the future is clamped to now, and a writer's times only rise.

    Args:
        t: as the client stamped it.
        now_ms: the gateway's clock.
        ahead_ms_max: how far ahead a client's clock may be.
        last_t: the last time admitted of this writer, on any stream; 0 when there is none.
    """
    if ms(t) > now_ms + ahead_ms_max:
        t = pack(now_ms)
    return max(t, last_t + 1)


def is_expired(t: int, *, valid_ms: int | None, now_ms: int) -> bool:
    """Whether a control comes too late to be obeyed. Events without `valid_ms` never do."""
    return valid_ms is not None and now_ms > ms(t) + valid_ms


class HybridClock:
    """The clock of one writer; never falls while it lives.

    `tick` makes the time of the writer's next event; `receive` learns times that others made.
    """

    __slots__ = ("last",)

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def tick(self, now_ms: int) -> int:
        """The next time, larger than every one made or received before. A full counter carries into the ms."""
        self.last = max(self.last + 1, now_ms << COUNTER_BITS)
        return self.last

    def receive(self, t: int) -> None:
        """Take note of an admitted time."""
        if t > self.last:
            self.last = t
