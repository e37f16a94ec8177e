"""Who hears what, when devices act without having seen each other. Source: merge.md section 5.

In all of them X plays on the phone since 0 s and the queue is Y Z W, unless the test says so.
"""

from __future__ import annotations

import pytest
from player import MINUTE_MS, Room, context_item, expect, queue
from world import START_MS, Expired, assert_every_order, id_of

from syncd.model.cells import Cells
from syncd.model.views.playback import playback_view

# --- next ---


def test_two_unaware_presses_of_next_make_one_skip() -> None:
    room = Room()
    room.at(10_000)
    room.phone.next()
    room.at(10_040)
    room.web.next()
    assert_every_order(room.admitted, expect(at=11_000, track="Y", left="Z W"))


def test_a_next_pressed_after_seeing_the_first_is_a_second_skip() -> None:
    room = Room()
    room.at(10_000)
    room.phone.next()
    room.all_see()
    room.at(10_040)
    room.web.next()
    assert_every_order(room.admitted, expect(at=11_000, track="Z", left="W"))


def test_a_double_tap_on_one_device_skips_twice() -> None:
    room = Room()
    room.at(10_000)
    room.web.next()
    room.at(10_100)
    room.web.next()
    assert_every_order(room.admitted, expect(at=11_000, track="Z", left="W"))


def test_a_late_skip_of_an_older_play_changes_nothing_though_its_stamp_is_the_largest() -> None:
    room = Room()
    room.at(10_000)
    skip = room.phone.next()
    room.speaker.sees(skip)
    room.at(10_100)
    room.speaker.next()
    room.at(15_000)
    late = room.web.next()
    assert late.t == max(event.t for event in room.admitted)
    assert_every_order(room.admitted, expect(at=16_000, track="Z", position_ms=5_900, left="W"))


@pytest.mark.parametrize("apart_ms", [-5, 5])
def test_the_natural_end_and_a_next_within_5_ms_make_one_advance(apart_ms: int) -> None:
    room = Room()
    room.at(10_000)
    room.phone.next(automatic=True)
    room.at(10_000 + apart_ms)
    room.web.next()
    assert_every_order(room.admitted, expect(at=11_000, track="Y", left="Z W"))


def test_one_skip_delivered_three_times_is_one_skip() -> None:
    room = Room()
    room.at(10_000)
    skip = room.web.next()
    assert_every_order([*room.admitted, skip, skip], expect(at=11_000, track="Y", left="Z W"))


def test_a_pressed_next_wins_over_an_unaware_automatic_repeat_after_it() -> None:
    room = Room()
    room.at(10_000)
    room.web.next()
    room.at(10_200)
    room.phone.repeat()
    assert_every_order(room.admitted, expect(at=11_000, track="Y", left="Z W"))


def test_repeat_one_is_a_new_play_and_leaves_the_queue() -> None:
    room = Room()
    room.at(10_000)
    again = room.phone.repeat()

    def check(cells: Cells) -> None:
        view = playback_view(cells, START_MS + 13_000)
        assert view is not None
        assert (view.play, view.item.track, view.position_ms) == (id_of(again), "X", 3_000)
        assert queue(cells) == ["Y", "Z", "W"]

    assert_every_order(room.admitted, check)


def test_next_after_the_queue_goes_on_in_the_context_and_consumes_nothing_twice() -> None:
    room = Room()
    for at in (1_000, 2_000, 3_000, 4_000):
        room.at(at)
        room.web.next()
    assert_every_order(room.admitted, expect(at=5_000, track="from the context", left=""))


def test_an_advance_that_names_itself_as_its_epoch_is_never_eligible() -> None:
    room = Room()
    itself = f"{room.web.device.writer}.1"
    item = context_item("E")
    room.web.device.emit("playback.advanced", epoch=itself, generation=9, follows=[itself], item=item)
    assert_every_order(room.admitted, expect(at=1_000, track="X", left="Y Z W"))


# --- pause, play, seek ---


def test_a_seek_unaware_of_the_pause_before_it_moves_the_paused_position() -> None:
    room = Room()
    room.at(20_000)
    room.phone.pause()
    room.at(21_000)
    room.web.seek(90_000)
    assert_every_order(room.admitted, expect(at=60_000, track="X", playing=False, position_ms=90_000))


def test_a_pause_unaware_of_the_seek_before_it_stops_at_the_sought_position() -> None:
    room = Room()
    room.at(20_000)
    room.web.seek(90_000)
    room.at(23_000)
    room.phone.pause()
    assert_every_order(room.admitted, expect(at=60_000, track="X", playing=False, position_ms=93_000))


def test_a_second_pause_unaware_of_the_first_and_of_a_seek_in_between_moves_nothing() -> None:
    room = Room()
    room.at(20_000)
    room.web.sees(room.phone.pause())
    room.at(25_000)
    room.web.seek(90_000)
    room.at(30_000)
    room.speaker.pause()
    assert_every_order(room.admitted, expect(at=60_000, track="X", playing=False, position_ms=90_000))


def test_a_next_unaware_of_the_pause_before_it_plays() -> None:
    room = Room()
    room.at(20_000)
    room.phone.pause()
    room.at(21_000)
    room.web.next()
    assert_every_order(room.admitted, expect(at=26_000, track="Y", position_ms=5_000, left="Z W"))


def test_play_pressed_after_an_unaware_pause_plays() -> None:
    room = Room()
    room.at(20_000)
    room.web.pause()
    room.at(20_005)
    room.phone.resume()
    assert_every_order(room.admitted, expect(at=25_005, track="X", position_ms=25_005))


def test_a_stale_play_does_not_erase_the_pause_before_it() -> None:
    """A laptop that slept presses play an hour into a pause: the hour must not count as heard."""
    room = Room()
    room.at(20_000)
    room.phone.pause()
    room.all_see()
    room.at(60 * MINUTE_MS)
    room.web.resume()
    assert_every_order(room.admitted, expect(at=60 * MINUTE_MS + 1_000, track="X", position_ms=21_000))


def test_an_automatic_advance_unaware_of_a_pause_counts_from_the_play_that_ended_it() -> None:
    room = Room()
    room.at(20_000)
    room.web.pause()
    room.at(20_100)
    room.phone.next(automatic=True)
    room.at(40_000)
    room.web.resume()
    assert_every_order(room.admitted, expect(at=45_000, track="Y", position_ms=5_000, left="Z W"))


def test_an_automatic_advance_leaves_an_unaware_pause_alone() -> None:
    room = Room()
    room.at(20_000)
    room.web.pause()
    room.at(20_100)
    room.phone.next(automatic=True)
    assert_every_order(room.admitted, expect(at=45_000, track="Y", playing=False, position_ms=0))


def test_a_session_can_be_started_without_playing() -> None:
    room = Room()
    room.at(20_000)
    room.web.start("P", playing=False, position_ms=7_000)
    assert_every_order(room.admitted, expect(at=90_000, track="P", on="web", playing=False, position_ms=7_000))


def test_a_pause_pressed_in_a_tunnel_and_delivered_two_hours_later_is_refused() -> None:
    room = Room()
    room.at(20_000)
    pressed = room.web.pause_in_tunnel()
    room.at(120 * MINUTE_MS)
    with pytest.raises(Expired):
        room.web.arrives(pressed)
    assert_every_order(room.admitted, expect(at=120 * MINUTE_MS, track="X", position_ms=120 * MINUTE_MS))


def test_a_pause_that_waited_for_less_than_its_time_is_obeyed() -> None:
    room = Room()
    room.at(20_000)
    pressed = room.web.pause_in_tunnel()
    room.at(29_000)
    room.web.arrives(pressed)
    assert_every_order(room.admitted, expect(at=60_000, track="X", playing=False, position_ms=20_000))


# --- speed, reports ---


def test_at_speed_one_and_a_half_10_s_are_15_s() -> None:
    room = Room()
    room.phone.set_speed(1_500)
    assert_every_order(room.admitted, expect(at=10_000, track="X", position_ms=15_000))


def test_a_change_of_speed_counts_the_old_speed_up_to_it() -> None:
    room = Room()
    room.at(10_000)
    room.web.set_speed(2_000)
    assert_every_order(room.admitted, expect(at=20_000, track="X", position_ms=30_000))


def test_a_seek_unaware_of_the_speed_keeps_it() -> None:
    room = Room()
    room.at(10_000)
    room.phone.set_speed(1_500)
    room.at(12_000)
    room.web.seek(60_000)

    def check(cells: Cells) -> None:
        view = playback_view(cells, START_MS + 14_000)
        assert view is not None
        assert (view.position_ms, view.speed_permille) == (63_000, 1_500)

    assert_every_order(room.admitted, check)


def test_the_speed_goes_on_after_next() -> None:
    room = Room()
    room.phone.set_speed(1_500)
    room.at(10_000)
    room.web.sees_all()
    room.web.next()
    assert_every_order(room.admitted, expect(at=12_000, track="Y", position_ms=3_000))


def test_a_report_counts_until_the_next_command() -> None:
    room = Room()
    room.at(10_000)
    room.phone.report(8_000)
    assert_every_order(room.admitted, expect(at=20_000, track="X", position_ms=18_000))
    room.web.sees_all()
    room.at(20_000)
    room.web.seek(60_000)
    assert_every_order(room.admitted, expect(at=21_000, track="X", position_ms=61_000))


def test_a_report_of_what_was_commanded_before_an_unaware_seek_is_ignored() -> None:
    room = Room()
    room.at(9_000)
    room.web.seek(60_000)
    room.at(10_000)
    room.phone.report(8_000)
    assert_every_order(room.admitted, expect(at=11_000, track="X", position_ms=62_000))


def test_a_report_of_what_was_commanded_before_an_unaware_pause_is_ignored() -> None:
    room = Room()
    room.at(9_000)
    room.web.pause()
    room.at(10_000)
    room.phone.report(8_000)
    assert_every_order(room.admitted, expect(at=11_000, track="X", playing=False, position_ms=9_000))


def test_a_report_that_claims_to_answer_the_future_does_not_shut_out_the_renderer() -> None:
    room = Room()
    play = id_of(room.start)
    future = ["z" * 21, "z" * 21]
    room.at(5_000)
    room.web.device.emit("playback.reported", play=play, position_ms=1, buffering=True, answers=future)
    room.at(10_000)
    room.phone.report(8_000)
    assert_every_order(room.admitted, expect(at=11_000, track="X", position_ms=9_000))


def test_the_later_of_two_reports_counts() -> None:
    room = Room()
    room.at(10_000)
    room.phone.report(8_000)
    room.at(20_000)
    room.phone.report(17_500)
    assert_every_order(room.admitted, expect(at=21_000, track="X", position_ms=18_500))


def test_a_report_moves_at_the_speed_of_the_session() -> None:
    room = Room()
    room.phone.set_speed(1_500)
    room.at(10_000)
    room.phone.report(12_000)
    assert_every_order(room.admitted, expect(at=12_000, track="X", position_ms=15_000))


def test_while_the_renderer_buffers_the_position_stands() -> None:
    room = Room()
    room.at(10_000)
    room.phone.report(8_000, buffering=True)
    assert_every_order(room.admitted, expect(at=30_000, track="X", position_ms=8_000))
    room.at(31_000)
    room.phone.report(8_000)
    assert_every_order(room.admitted, expect(at=33_000, track="X", position_ms=10_000))
