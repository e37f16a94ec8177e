"""Times as operators read and write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from syncd.errors import Refused

ALLOWED: Final = "2025-11-23T06:30:00Z, a time ago as 90s, 15m, 2h or 3d, or ms since 1970"
_AGO: Final = re.compile(r"(\d{1,9})([smhd])")
_MS: Final = re.compile(r"\d{12,15}")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([T ].+)?")
"""fromisoformat alone reads much more, as 40 digits in a row."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def moment(time_ms: int) -> str:
    """A time, ms since the Unix epoch, as ISO 8601 in UTC; as a number where the calendar ends."""
    try:
        seconds, rest_ms = divmod(time_ms, 1_000)
        at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ms * 1_000)
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(duration_ms: int) -> str:
    """A length of time in the largest unit that fits, to one digit."""
    for unit_ms, unit in ((86_400_000, "days"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if duration_ms >= 2 * unit_ms or (unit_ms == 1_000 and duration_ms >= unit_ms):
            return f"{duration_ms / unit_ms:.1f} {unit}"
    return f"{duration_ms} ms"


def parse_moment(text: str, *, now_ms: int) -> int:
    """The time that an operator wrote, ms since the Unix epoch. Without a zone it is UTC, as everything shown is.

    Raises:
        Refused: it is no time; the text says what is.
    """
    if ago := _AGO.fullmatch(text):
        return max(0, now_ms - int(ago[1]) * _UNIT_MS[ago[2]])
    if _MS.fullmatch(text):
        return int(text)
    try:
        at = datetime.fromisoformat(text) if _ISO.fullmatch(text) else None
    except ValueError:
        at = None
    if at is None or at.year < 1970:
        raise Refused(f"{text!r} is no time; allowed: {ALLOWED}")
    # Counted in whole microseconds, because timestamp() is a float and rounds.
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
