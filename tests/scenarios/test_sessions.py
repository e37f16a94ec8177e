"""Which session is live, what a device shows of its own, and how playback ends by itself. Source: merge.md section 5.

In all of them X plays on the phone since 0 s and the queue is Y Z W, unless the test says so.
"""

from __future__ import annotations

from player import MINUTE_MS, Room, Shown, context_item, expect, queue, shown
from world import START_MS, assert_every_order, id_of

from syncd.model.cells import Cells
from syncd.model.views.playback import playback_view
from syncd.model.views.plays import Plays

# --- sessions ---


def test_a_transfer_wins_over_advances_of_a_renderer_in_a_tunnel() -> None:
    room = Room()
    room.at(20_000)
    room.web.transfer("speaker")
    room.at(30_000)
    room.phone.next(automatic=True)
    room.at(40_000)
    room.phone.next(automatic=True)
    check = expect(at=50_000, track="X", on="speaker", position_ms=50_000, left="Y Z W")
    assert_every_order(room.admitted, check)


def test_of_two_starts_1_ms_apart_the_later_is_live_everywhere() -> None:
    room = Room()
    room.at(20_000)
    room.phone.start("P")
    room.at(20_001)
    room.web.start("Q")

    def check(cells: Cells) -> None:
        for device in ("phone", "web", "speaker", None):
            assert shown(cells, at=21_001, device=device) == Shown("Q", "web", True, 1_000)

    assert_every_order(room.admitted, check)


def test_what_is_played_offline_leaves_the_live_session_alone() -> None:
    room = Room()
    room.at(MINUTE_MS)
    live = room.web.transfer("web")
    # The phone is in a tunnel: it has not seen the transfer.
    room.at(2 * MINUTE_MS)
    room.phone.start("P", detached=True)
    room.at(3 * MINUTE_MS)
    room.phone.next()
    room.at(52 * MINUTE_MS)
    room.phone.pause()

    def check(cells: Cells) -> None:
        minutes = 53 * MINUTE_MS
        assert shown(cells, at=minutes) == Shown("X", "web", True, minutes)
        assert shown(cells, at=minutes, device="web") == Shown("X", "web", True, minutes)
        assert queue(cells) == ["Y", "Z", "W"]
        assert shown(cells, at=minutes, device="phone") == Shown("Y", "phone", False, 49 * MINUTE_MS)
        assert queue(cells, device="phone") == ["Z", "W"]
        head = Plays(cells).head()
        assert head is not None
        assert head.id == id_of(live)

    assert_every_order(room.admitted, check)


def test_adopting_makes_a_session_live_and_what_either_heard_is_gone() -> None:
    room = Room()
    room.at(20_000)
    tunnel = room.phone.start("P", detached=True, follows=[id_of(room.start)])
    room.at(30_000)
    heard_live = room.web.next()
    room.at(31_000)
    room.web.pause()
    room.at(40_000)
    item: dict[str, object] = {"from": "queue", "id": f"{room.phone.device.writer}.1.1", "track": "Z"}
    room.phone.advance(item, automatic=False)
    room.at(60_000)
    room.phone.sees_all()
    adopted = room.phone.adopt()
    assert set(adopted.data.follows) > {id_of(heard_live)}

    def check(cells: Cells) -> None:
        for device in ("phone", "web", None):
            assert shown(cells, at=61_000, device=device) == Shown("Z", "phone", True, 21_000)
            assert queue(cells, device=device) == ["W"]
        live = {play.id for play in Plays(cells).chain(Plays(cells).head())}
        assert {id_of(tunnel), id_of(heard_live), id_of(room.start)} < live

    assert_every_order(room.admitted, check)


def test_a_later_start_on_the_same_device_ends_its_detached_session() -> None:
    room = Room()
    room.at(20_000)
    room.phone.start("P", detached=True)
    room.at(30_000)
    room.web.transfer("phone")
    assert_every_order(room.admitted, lambda cells: _shows(cells, 31_000, "phone", Shown("X", "phone", True, 31_000)))


def test_an_earlier_start_on_the_same_device_does_not_end_its_detached_session() -> None:
    room = Room()
    room.at(20_000)
    room.web.transfer("phone")
    room.at(30_000)
    room.phone.start("P", detached=True)
    assert_every_order(room.admitted, lambda cells: _shows(cells, 31_000, "phone", Shown("P", "phone", True, 1_000)))


def _shows(cells: Cells, at: int, device: str, expected: Shown) -> None:
    assert shown(cells, at=at, device=device) == expected


def test_a_play_without_its_epoch_is_not_eligible() -> None:
    """A replica that misses records shows an older view, never a wrong one."""
    room = Room()
    room.at(20_000)
    start = room.web.start("Q")
    room.web.next()
    without = [event for event in room.admitted if event is not start]
    assert_every_order(without, expect(at=21_000, track="X", position_ms=21_000, left="Y Z W"))
    assert_every_order(room.admitted, expect(at=21_000, track="Y", on="web", left="Z W"))


def test_the_head_of_a_revoked_device_is_off() -> None:
    room = Room()
    room.at(20_000)
    room.phone.report(19_000)
    room.at(30_000)
    room.web.device.emit("device.revoked", device="phone")
    assert_every_order(room.admitted, expect(at=60_000, track="X", playing=False, position_ms=19_000))


# --- the sleep timer, the end ---


def test_the_sleep_timer_stops_playback_by_itself() -> None:
    room = Room()
    room.web.device.emit("playback.mode_changed", sleep_at_ms=START_MS + 30_000)
    assert_every_order(room.admitted, expect(at=29_999, track="X", position_ms=29_999))
    assert_every_order(room.admitted, expect(at=30_000, track="X", playing=False, position_ms=30_000))
    assert_every_order(room.admitted, expect(at=90_000, track="X", playing=False, position_ms=30_000))


def test_play_pressed_after_the_sleep_timer_plays() -> None:
    room = Room()
    room.web.device.emit("playback.mode_changed", sleep_at_ms=START_MS + 30_000)
    room.all_see()
    room.at(90_000)
    room.phone.resume()
    assert_every_order(room.admitted, expect(at=95_000, track="X", position_ms=35_000))


def test_a_pause_after_the_sleep_timer_stops_where_the_timer_did() -> None:
    room = Room()
    room.web.device.emit("playback.mode_changed", sleep_at_ms=START_MS + 30_000)
    room.at(40_000)
    room.phone.pause()
    assert_every_order(room.admitted, expect(at=50_000, track="X", playing=False, position_ms=30_000))


def test_a_report_counts_up_to_the_sleep_timer() -> None:
    room = Room()
    room.at(10_000)
    room.phone.report(8_000)
    room.web.device.emit("playback.mode_changed", sleep_at_ms=START_MS + 30_000)
    assert_every_order(room.admitted, expect(at=90_000, track="X", playing=False, position_ms=28_000))


def test_a_position_is_clamped_to_the_item_and_shows_stale_10_s_after_its_end() -> None:
    room = Room()
    item = context_item("S") | {"duration_ms": 5_000}
    room.web.start("S", item=item)

    def check(cells: Cells) -> None:
        for at, position_ms, stale in [(4_000, 4_000, False), (15_000, 5_000, False), (15_001, 5_000, True)]:
            view = playback_view(cells, START_MS + at)
            assert view is not None
            assert (view.position_ms, view.stale) == (position_ms, stale)

    assert_every_order(room.admitted, check)


def test_nothing_plays_before_anything_was_started() -> None:
    assert playback_view({}, START_MS) is None
    assert queue({}) == []
