"""New stamps at reconnect, rule by rule. Source: merge.md section 1, "Client clock"."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from syncd.limits import SAFE_INTEGER_MAX
from syncd.model.events import (
    HistoryCleared,
    PlaybackModeChanged,
    PlaybackPaused,
    PlaybackReported,
    ProgressListened,
    ProgressMarked,
    Shuffle,
)
from syncd.model.restamp import Pending, Reconnect, restamp
from syncd.model.stamp import NO_STAMP, ms, pack, stamp

NOW = 1_763_870_000_000
WRITER = "k3v9q2m4ta"
ELAPSED = 5_000


def now(*, sent_t: int = 0, offset_ms: int = 0, boot: str = "one") -> Reconnect:
    return Reconnect(server_now_ms=NOW, offset_ms=offset_ms, monotonic_ms=90_000, boot=boot, sent_t=sent_t)


def pending(
    data: Any = None,
    *,
    t: int = pack(7),
    seq: int = 1,
    sent: bool = False,
    seen_t: int = 0,
    wall_ms: int = 7,
    elapsed_ms: int = ELAPSED,
) -> Pending:
    """Made `elapsed_ms` ago by the monotonic clock, at 7 ms after 1970 by a wall clock that knows nothing."""
    return Pending(
        stream="a:9f3c",
        seq=seq,
        t=t,
        kind="playback.paused",
        data=PlaybackPaused(f"{WRITER}.1") if data is None else data,
        sent=sent,
        seen_t=seen_t,
        wall_ms=wall_ms,
        monotonic_ms=90_000 - elapsed_ms,
        boot="one",
    )


def test_in_the_same_boot_the_monotonic_clock_tells_when() -> None:
    [event] = restamp([pending()], now(), writer=WRITER)
    assert event.t == pack(NOW - ELAPSED)


def test_after_a_reboot_the_wall_clock_and_its_offset_tell_when() -> None:
    [event] = restamp([pending()], now(boot="two", offset_ms=NOW - 1_000), writer=WRITER)
    assert event.t == pack(NOW - 993)


def test_nothing_is_made_after_now() -> None:
    [event] = restamp([pending(wall_ms=NOW)], now(boot="two", offset_ms=60_000), writer=WRITER)
    assert event.t == pack(NOW)
    [event] = restamp([pending(elapsed_ms=-10)], now(), writer=WRITER)
    assert event.t == pack(NOW)


def test_nothing_is_made_before_1970() -> None:
    [event] = restamp([pending()], now(boot="two", offset_ms=-1_000), writer=WRITER)
    assert event.t == 1


def test_a_sent_event_keeps_its_time_and_comes_before_what_was_never_sent() -> None:
    sent = pending(t=pack(NOW + 60_000), sent=True)
    first, second = restamp([sent, pending(seq=2)], now(), writer=WRITER)
    assert first == sent
    assert second.t == sent.t + 1


def test_an_event_comes_after_everything_its_writer_ever_sent() -> None:
    [event] = restamp([pending()], now(sent_t=pack(NOW, 5)), writer=WRITER)
    assert event.t == pack(NOW, 6)


def test_an_event_comes_after_what_its_maker_had_seen() -> None:
    [event] = restamp([pending(seen_t=pack(NOW - 1_000, 3))], now(), writer=WRITER)
    assert event.t == pack(NOW - 1_000, 4)


def test_events_of_one_ms_stay_in_order() -> None:
    made = [pending(seq=seq, t=pack(7, seq)) for seq in (1, 2, 3)]
    assert [event.t for event in restamp(made, now(), writer=WRITER)] == [pack(NOW - ELAPSED, k) for k in (0, 1, 2)]


def test_a_clock_that_was_ahead_goes_down() -> None:
    [event] = restamp([pending(t=pack(NOW + 10**9))], now(), writer=WRITER)
    assert event.t == pack(NOW - ELAPSED)


def test_the_old_stamp_of_a_pending_event_is_rewritten_where_it_is_named() -> None:
    opened = pending(ProgressMarked("e1", played=False), t=pack(7, 1))
    listened = pending(ProgressListened("e1", 4, stamp(opened.t, WRITER)), seq=2, t=pack(7, 2))
    commanded = [stamp(listened.t, WRITER), "36ler11oo00aaaaaaaaaa"]
    reported = pending(PlaybackReported(f"{WRITER}.1", 4, False, commanded), seq=3, t=pack(7, 3))
    marked, progress, report = restamp([opened, listened, reported], now(), writer=WRITER)
    assert progress.data.through == stamp(marked.t, WRITER)
    assert report.data.answers == [stamp(progress.t, WRITER), "36ler11oo00aaaaaaaaaa"]


def test_stamps_of_others_and_of_no_cell_stay() -> None:
    other = stamp(pack(7), "aaaaaaaaaa")
    for through in (NO_STAMP, other):
        [event] = restamp([pending(ProgressListened("e1", 4, through))], now(), writer=WRITER)
        assert event.data.through == through


def test_times_chosen_by_the_same_clock_shift_along() -> None:
    by_ms = NOW - ELAPSED - 7
    cleared, slept = restamp(
        [
            pending(HistoryCleared(before_ms=5)),
            pending(PlaybackModeChanged(sleep_at_ms=1_000, repeat="all"), t=pack(8), seq=2, elapsed_ms=ELAPSED - 1),
        ],
        now(),
        writer=WRITER,
    )
    assert cleared.data.before_ms == 5 + by_ms
    assert slept.data == PlaybackModeChanged(sleep_at_ms=1_000 + by_ms, repeat="all")
    assert ms(slept.t) - 8 == by_ms


def test_a_sleep_timer_that_is_off_or_not_given_stays_so() -> None:
    for data in (PlaybackModeChanged(sleep_at_ms=None), PlaybackModeChanged(shuffle=Shuffle(True, 1))):
        [event] = restamp([pending(data)], now(), writer=WRITER)
        assert event.data == data
        assert event.data.sleep_at_ms in (None, UNSET)


def test_shifted_times_stay_within_what_an_event_may_hold() -> None:
    [event] = restamp([pending(HistoryCleared(SAFE_INTEGER_MAX))], now(), writer=WRITER)
    assert event.data.before_ms == SAFE_INTEGER_MAX
    [event] = restamp([pending(HistoryCleared(3), t=pack(NOW))], now(), writer=WRITER)
    assert event.data.before_ms == 0


def test_a_sent_event_does_not_shift() -> None:
    sent = pending(HistoryCleared(before_ms=5), sent=True)
    assert restamp([sent], now(), writer=WRITER) == [sent]


def test_restamping_nothing_gives_nothing() -> None:
    assert restamp([], now(), writer=WRITER) == []
