"""What is kept of those who left: for a while, and only so many."""

from __future__ import annotations

import pytest

from syncd.gateway import lately
from syncd.gateway.lately import Lately
from syncd.limits import LEFT_KEPT_S


def test_who_comes_back_in_time_finds_it_and_only_once() -> None:
    forgotten: list[str] = []
    left = Lately(forgotten.append)
    left.left("a", now_s=100)
    assert left.taken("a", now_s=100 + LEFT_KEPT_S)
    assert not left.taken("a", now_s=100)
    assert forgotten == []


def test_who_comes_too_late_finds_it_forgotten_also_when_nobody_swept() -> None:
    forgotten: list[str] = []
    left = Lately(forgotten.append)
    left.left("a", now_s=100)
    assert not left.taken("a", now_s=100.1 + LEFT_KEPT_S)
    assert forgotten == ["a"]


def test_a_sweep_forgets_the_old_and_keeps_the_young() -> None:
    forgotten: list[str] = []
    left = Lately(forgotten.append)
    for second in range(4):
        left.left(f"left at {second}", now_s=second)
    left.left("left at 0", now_s=9)  # it had come back meanwhile
    left.drop("left at 1")
    left.sweep(2.5 + LEFT_KEPT_S)
    assert forgotten == ["left at 2"]


def test_the_longest_gone_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lately, "LEFT_KEPT_MAX", 2)
    forgotten: list[str] = []
    left = Lately(forgotten.append)
    for name in "abc":
        left.left(name, now_s=1)
    assert forgotten == ["a"]
