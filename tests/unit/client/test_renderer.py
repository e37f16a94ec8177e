"""The device that makes the sound: what it plays, and what it tells the others."""

from __future__ import annotations

from desk import WRITER, face_of, state_of

from syncd.client.face import Face
from syncd.client.own_event import OwnEvent
from syncd.model.stamp import NO_STAMP
from syncd.protocol.messages import AckItem
from syncd.testing.device_clock import ManualDeviceClock

MINUTE_MS = 60_000


def acknowledge(face: Face) -> None:
    """Everything made so far is admitted."""
    for event in list(face._state.outbox):
        item = AckItem(event.pending.stream, WRITER, event.pending.seq, event.event.t)
        face._state.acked(item, assembling=False)


def on_air(*, duration_ms: int = 200_000) -> tuple[Face, ManualDeviceClock]:
    """This device plays, and everybody knows."""
    clock = ManualDeviceClock()
    face = face_of(state_of(clock=clock))
    face.play({"track": "a", "duration_ms": duration_ms}, context={"tracks": ["a", "b"]})
    acknowledge(face)
    return face, clock


def report(face: Face, position_ms: int, *, buffering: bool = False) -> OwnEvent | None:
    """What a measurement makes it report."""
    done = face.renderer.measured(position_ms, buffering=buffering)
    return None if done is None else done.events[0]


def test_only_the_device_of_the_session_is_wanted() -> None:
    face, _ = on_air()
    wanted = [face.renderer.wanted is not None]
    face.transfer("speaker")
    assert [*wanted, face.renderer.wanted is not None] == [True, False]
    assert face.renderer.measured(0) is None
    assert face.renderer.ended() is None


def test_the_first_measurement_after_a_command_is_reported_and_answers_it() -> None:
    face, _ = on_air()
    event = report(face, 0)
    assert event is not None
    view = face.playback
    assert view is not None
    shown = face.cells()
    assert event.event.data.answers == [shown[f"play_at/{view.play}"].rank, shown[f"play_on/{view.epoch}"].rank]
    assert NO_STAMP not in event.event.data.answers
    acknowledge(face)
    assert report(face, 10) is None
    face.pause()
    assert report(face, 20) is None  # the pause is pending: its stamp may still change
    acknowledge(face)
    assert report(face, 20) is not None


def test_buffering_is_reported_when_it_begins_and_when_it_ends() -> None:
    face, clock = on_air()
    report(face, 0)
    acknowledge(face)
    assert report(face, 0, buffering=True) is not None
    acknowledge(face)
    assert face.playback is not None
    assert face.playback.buffering
    clock.pass_ms(4_000)
    assert report(face, 0, buffering=True) is None
    assert report(face, 0) is not None


def test_drift_is_reported_beyond_300_ms() -> None:
    face, clock = on_air()
    report(face, 0)
    acknowledge(face)
    clock.pass_ms(10_000)
    assert report(face, 9_700) is None
    assert report(face, 9_699) is not None
    acknowledge(face)
    assert face.playback is not None
    assert face.playback.position_ms == 9_699


def test_only_long_items_are_reported_every_minute() -> None:
    for duration_ms, is_reported in ((9 * MINUTE_MS, False), (11 * MINUTE_MS, True)):
        face, clock = on_air(duration_ms=duration_ms)
        report(face, 0)
        acknowledge(face)
        clock.pass_ms(MINUTE_MS)
        assert (report(face, MINUTE_MS) is not None) is is_reported


def test_at_the_end_of_an_item_the_renderer_advances() -> None:
    face, _ = on_air()
    done = face.renderer.ended()
    assert done is not None
    assert done.events[0].event.data.automatic
    assert face.playback is not None
    assert face.playback.item.track == "b"
