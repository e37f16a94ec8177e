"""How playback goes on: shuffle, repeat, the sleep timer. Source: merge.md section 3.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from msgspec import Struct, convert

from syncd.model.cells import Cell


class ShuffleMode(Struct, frozen=True):
    """`seed`: of `syncd.model.shuffle`."""

    on: bool = False
    seed: int = 0


class ModesView(Struct, frozen=True):
    """`sleep_at_ms`: server time at which playback stops by itself; None when no timer is set."""

    shuffle: ShuffleMode
    repeat: Literal["off", "one", "all"]
    sleep_at_ms: int | None


def modes_view(cells: Mapping[str, Cell]) -> ModesView:
    """The account's modes; what was never chosen is off."""
    shuffle = cells.get("mode/shuffle")
    repeat = cells.get("mode/repeat")
    sleep_at_ms = cells.get("mode/sleep_at_ms")
    return ModesView(
        shuffle=ShuffleMode() if shuffle is None else convert(shuffle.value, ShuffleMode),
        repeat="off" if repeat is None else cast(Literal["off", "one", "all"], repeat.value),
        sleep_at_ms=None if sleep_at_ms is None else cast("int | None", sleep_at_ms.value),
    )
