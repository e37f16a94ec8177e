"""The offset of a device's clock: the midpoint of the quickest of the last five exchanges."""

from __future__ import annotations

from syncd.model.clock_offset import SAMPLES_MAX, ClockOffset


def test_nothing_measured_is_no_offset() -> None:
    clock = ClockOffset()
    assert (clock.measured, clock.offset_ms) == (False, 0)


def test_one_exchange_is_taken_at_its_midpoint() -> None:
    clock = ClockOffset()
    clock.measure(sent_ms=1_000, server_ms=61_050, received_ms=1_100)
    assert (clock.measured, clock.offset_ms) == (True, 60_000)


def test_the_quickest_exchange_counts() -> None:
    clock = ClockOffset()
    clock.measure(sent_ms=0, server_ms=1_000, received_ms=400)
    clock.measure(sent_ms=1_000, server_ms=1_903, received_ms=1_006)
    clock.measure(sent_ms=2_000, server_ms=2_500, received_ms=2_900)
    assert clock.offset_ms == 900


def test_of_equally_quick_ones_the_latest_counts() -> None:
    clock = ClockOffset()
    clock.measure(sent_ms=0, server_ms=105, received_ms=10)
    clock.measure(sent_ms=100, server_ms=205 + 7, received_ms=110)
    assert clock.offset_ms == 107


def test_the_sixth_exchange_pushes_out_the_first() -> None:
    clock = ClockOffset()
    clock.measure(sent_ms=0, server_ms=5_000, received_ms=0)
    for n in range(SAMPLES_MAX):
        clock.measure(sent_ms=n, server_ms=n + 1_010, received_ms=n + 20)
    assert clock.offset_ms == 1_000


def test_an_exchange_during_which_the_clock_was_set_back_is_passed_over() -> None:
    clock = ClockOffset()
    clock.measure(sent_ms=1_000, server_ms=1_000, received_ms=10)
    assert not clock.measured


def test_a_device_that_slept_forgets() -> None:
    clock = ClockOffset()
    clock.measure(sent_ms=0, server_ms=5_000, received_ms=0)
    clock.forget()
    assert (clock.measured, clock.offset_ms) == (False, 0)
