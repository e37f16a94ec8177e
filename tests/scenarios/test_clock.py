"""Wrong clocks, repeated admissions, busy milliseconds. Source: merge.md sections 1 and 5."""

from __future__ import annotations

from player import MINUTE_MS, Room, Shown, context_item, shown
from world import START_MS, World, assert_every_order

from syncd.model.cells import Cells
from syncd.model.events import Event
from syncd.model.restamp import Pending, Reconnect, restamp
from syncd.model.stamp import COUNTER_BITS, HybridClock, ms
from syncd.model.views.settings import settings_view

DAY_MS = 24 * 60 * MINUTE_MS


def test_a_play_from_a_clock_three_days_ahead_is_admitted_at_server_time_and_a_later_pause_wins() -> None:
    room = Room()
    room.phone.device.clock_off_ms = 3 * DAY_MS
    room.at(10_000)
    play = room.phone.start("P")
    assert ms(play.t) == START_MS + 10_000
    room.web.sees(play)
    room.at(15_000)
    room.web.pause()

    def check(cells: Cells) -> None:
        assert shown(cells, at=60_000) == Shown("P", "phone", False, 5_000)

    assert_every_order(room.admitted, check)


def test_an_edit_from_a_clock_three_days_behind_loses_uncorrected() -> None:
    world, pending = _edited_offline_an_hour_after_the_web()
    world.devices["phone"].admit(_event(pending))
    assert_every_order(world.admitted, lambda cells: _theme_is(cells, "light"))


def test_an_edit_from_a_clock_three_days_behind_wins_restamped_by_the_monotonic_clock() -> None:
    world, pending = _edited_offline_an_hour_after_the_web()
    # Its wall clock was set right meanwhile: the offset of today says nothing about the edit.
    now = Reconnect(server_now_ms=world.now_ms, offset_ms=0, monotonic_ms=9_000 + 60 * MINUTE_MS, boot="one", sent_t=0)
    [restamped] = restamp([pending], now, writer=world.devices["phone"].writer)
    assert ms(restamped.t) == START_MS + 60 * MINUTE_MS
    world.devices["phone"].admit(_event(restamped))
    assert_every_order(world.admitted, lambda cells: _theme_is(cells, "dark"))


def test_an_edit_from_a_clock_three_days_behind_wins_restamped_after_a_reboot() -> None:
    world, pending = _edited_offline_an_hour_after_the_web()
    now = Reconnect(server_now_ms=world.now_ms, offset_ms=3 * DAY_MS, monotonic_ms=5, boot="two", sent_t=0)
    [restamped] = restamp([pending], now, writer=world.devices["phone"].writer)
    assert ms(restamped.t) == START_MS + 60 * MINUTE_MS
    world.devices["phone"].admit(_event(restamped))
    assert_every_order(world.admitted, lambda cells: _theme_is(cells, "dark"))


def _edited_offline_an_hour_after_the_web() -> tuple[World, Pending]:
    """The web chooses light; an hour later the phone, unaware, chooses dark, and reconnects after another hour."""
    world = World()
    web = world.device("web")
    phone = world.device("phone", clock_off_ms=-3 * DAY_MS)
    web.emit("settings.changed", theme="light")
    world.at(60 * MINUTE_MS)
    made = phone.make("settings.changed", theme="dark")
    world.at(120 * MINUTE_MS)
    return world, Pending(
        stream=made.stream,
        seq=made.seq,
        t=made.t,
        kind=made.kind,
        data=made.data,
        sent=False,
        seen_t=0,
        wall_ms=ms(made.t),
        monotonic_ms=9_000,
        boot="one",
    )


def _event(pending: Pending) -> Event:
    return Event(pending.stream, "phone00000", pending.seq, pending.t, pending.kind, pending.data)


def _theme_is(cells: Cells, theme: str) -> None:
    assert settings_view(cells) == {"theme": theme}


def test_5_000_events_in_one_ms_rise_strictly_and_carry_into_the_next_two() -> None:
    clock = HybridClock()
    times = [clock.tick(START_MS) for _ in range(5_000)]
    assert all(later > earlier for earlier, later in zip(times, times[1:], strict=False))
    assert [ms(times[0]), ms(times[-1])] == [START_MS, START_MS + 2]
    assert times[-1] < 2**53
    assert times[2**COUNTER_BITS] == (START_MS + 1) << COUNTER_BITS


def test_an_event_admitted_twice_with_two_clamped_times_is_one_event() -> None:
    """A retry through another gateway. First-wins would depend on the order; the later time wins whole."""
    room = Room()
    room.web.device.clock_off_ms = DAY_MS
    room.at(10_000)
    made = room.web.device.make("playback.seeked", play="phone00000.2", position_ms=90_000, playing=True)
    first = room.web.device.admit(made)
    room.at(11_000)
    room.phone.seek(30_000)
    room.at(12_000)
    second = room.web.device.admit(made)
    assert first.t < second.t

    def check(cells: Cells) -> None:
        assert shown(cells, at=13_000) == Shown("X", "phone", True, 91_000)

    assert_every_order(room.admitted, check, orders=60)


def test_a_start_admitted_twice_is_one_epoch_that_begins_at_the_later_time() -> None:
    """Whoever skips an event already seen ends with the time that happened to arrive first."""
    room = Room()
    room.web.device.clock_off_ms = DAY_MS
    room.at(10_000)
    made = room.web.device.make(
        "playback.started",
        device="web",
        item=context_item("P"),
        follows=[],
        position_ms=0,
        playing=True,
        speed_permille=1_000,
    )
    room.web.device.admit(made)
    room.at(11_000)
    room.speaker.start("Q")
    room.at(12_000)
    room.web.device.admit(made)

    def check(cells: Cells) -> None:
        assert shown(cells, at=13_000) == Shown("P", "web", True, 1_000)

    assert_every_order(room.admitted, check, orders=60)


def test_an_unknown_kind_is_ignored() -> None:
    room = Room()
    before = room.cells()
    room.web.device.emit("holograms.shown", of="X")
    void = room.web.device.emit("void")
    rebuilt = room.web.device.emit("projection.rebuilt", cells=3)
    assert {void.kind, rebuilt.kind} == {"void", "projection.rebuilt"}
    assert_every_order(room.admitted, lambda cells: _equal(cells, before))


def _equal(cells: Cells, before: Cells) -> None:
    assert cells == before
