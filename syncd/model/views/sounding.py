"""Whether a play sounds at a moment, and how far it has got.

Nobody sends where playback is every second: it follows from the last commands. `play_at` says where it was put,
`play_on` and `play_off` when it was last set going and stopped, and time does the rest. On and off are two cells, so
that a stale "play" cannot erase the pause before it. A renderer's report replaces the reckoning only while it answers
exactly the commands that stand. Source: merge.md section 3.2, "Position".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

from syncd.model.cells import Cell
from syncd.model.ids import key_part
from syncd.model.stamp import NO_STAMP, STAMP_LENGTH, ms, stamp_t
from syncd.model.views.plays import Play

NORMAL_SPEED_PERMILLE = 1_000
_NONE = Cell("", None)


class Commands(NamedTuple):
    """The cells that say how a play stands. A cell that is missing has an empty rank.

    Attributes:
        at: `[position_ms, playing]`.
        sleep_at_ms: of the sleep timer; None when it is not set.
        revoked: whether the device that should play is no longer ours.
    """

    at: Cell
    on: Cell
    off: Cell
    report: Cell | None
    speed_permille: int
    sleep_at_ms: int | None
    revoked: bool

    @property
    def answers(self) -> list[str]:
        """What a report must name to count: the rank of `play_at`, the larger of those of `play_on` and `play_off`.

        Take them from confirmed cells only: the rank of a pending event may still change.
        """
        return [self.at.rank or NO_STAMP, max(self.on.rank, self.off.rank) or NO_STAMP]


class Sounding(NamedTuple):
    """How a play stands at a moment.

    Attributes:
        position_ms: from the item's start, at least 0; not clamped to the item's duration.
        playing: whether it shows as playing.
        buffering: whether the renderer says that it waits for data, so that the position stands.
    """

    position_ms: int
    playing: bool
    buffering: bool


def commands(cells: Mapping[str, Cell], play: Play, device: str) -> Commands:
    """Gather what was commanded of a play; `device` is its epoch's."""
    speed = cells.get(f"play_speed/{play.epoch}")
    sleep = cells.get("mode/sleep_at_ms")
    return Commands(
        at=cells.get(f"play_at/{play.id}", _NONE),
        on=cells.get(f"play_on/{play.epoch}", _NONE),
        off=cells.get(f"play_off/{play.epoch}", _NONE),
        report=cells.get(f"play_report/{play.id}"),
        speed_permille=NORMAL_SPEED_PERMILLE if speed is None else cast(int, speed.value),
        sleep_at_ms=None if sleep is None else cast("int | None", sleep.value),
        revoked=f"device/{key_part(device)}/revoked" in cells,
    )


def sounding(commands: Commands, *, automatic: bool, now_ms: int) -> Sounding:
    """How a play stands at `now_ms`, server time.

    Args:
        automatic: whether the play began by itself, at the end of the one before it.
    """
    a, o, p = commands.at.rank, commands.on.rank, commands.off.rank
    at_ms, on_ms, off_ms = _ms(a), _ms(o), _ms(p)
    put_ms, playing_there = cast(tuple[int, bool], commands.at.value or (0, False))

    asleep = commands.sleep_at_ms is not None and commands.sleep_at_ms <= now_ms and on_ms <= commands.sleep_at_ms
    if asleep:
        now_ms = min(now_ms, cast(int, commands.sleep_at_ms))
        off_ms = min(off_ms, cast(int, commands.sleep_at_ms))
    on = o > p and not commands.revoked

    report = _counting_report(commands)
    if report is not None:
        position_ms, buffering = cast(tuple[int, bool], report.value)
        moving_ms = max(0, now_ms - _ms(report.rank[2 * STAMP_LENGTH :])) if on and not buffering else 0
        position_ms += moving_ms * commands.speed_permille // 1_000
        return Sounding(position_ms, on and not asleep, on and not asleep and buffering)

    elapsed_ms = 0
    if p > a:
        # Stopped after it was put there: it counts up to the pause, and again from the play after it.
        elapsed_ms += max(0, off_ms - at_ms) if playing_there else 0
        elapsed_ms += max(0, now_ms - on_ms) if on else 0
    elif on:
        # An automatic advance does not end a pause, so it counts from the play that did.
        from_ms = at_ms if playing_there and not automatic else max(at_ms, on_ms)
        elapsed_ms = max(0, now_ms - from_ms)
    return Sounding(put_ms + elapsed_ms * commands.speed_permille // 1_000, on and not asleep, buffering=False)


def _counting_report(commands: Commands) -> Cell | None:
    """The report, if it answers exactly the commands that stand."""
    report = commands.report
    if report is None:
        return None
    return report if report.rank[: 2 * STAMP_LENGTH] == "".join(commands.answers) else None


def _ms(rank: str) -> int:
    return ms(stamp_t(rank)) if rank else 0
