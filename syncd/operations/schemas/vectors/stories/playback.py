"""Stories of playback: who plays what, where it stands, what the queue still holds."""

from __future__ import annotations

from collections.abc import Callable

from syncd.model.events import Event
from syncd.model.stamp import stamp
from syncd.operations.schemas.vectors.case import Vectors, distinct
from syncd.operations.schemas.vectors.story import START_MS, Story, id_of, item_of

_SONG_MS = 200_000


class Listening(Story):
    """X plays on the phone since the start; the queue holds Y Z W."""

    def __init__(self) -> None:
        super().__init__()
        items = [{"track": track} for track in ("Y", "Z", "W")]
        self.queued = self.emit("phone", 0, "list.inserted", list="queue", side="R", items=items)
        self.x = self.start("phone", 0, "X")

    def start(self, who: str, at_ms: int, track: str, *, follows: tuple[Event, ...] = (), **given: object) -> Event:
        """A start from the context, playing on its own device from 0 unless said."""
        data = {
            "device": who,
            "item": {"from": "context", "id": track, "track": track, "duration_ms": _SONG_MS},
            "context": {"album": "al1"},
            "follows": [id_of(play) for play in follows],
            "position_ms": 0,
            "playing": True,
            "speed_permille": 1_000,
            **given,
        }
        return self.emit(who, at_ms, "playback.started", **data)

    def next(
        self, who: str, at_ms: int, play: Event, entry: int | None = None, *, automatic: bool = False, **given: object
    ) -> Event:
        """On from a play: to an entry of the queue by its index, or to the same item again."""
        started = play.kind == "playback.started"
        item: object = play.data.item
        if entry is not None:
            track = self.queued.data.items[entry]["track"]
            item = {"from": "queue", "id": item_of(self.queued, entry), "track": track, "duration_ms": _SONG_MS}
        data = {
            "epoch": id_of(play) if started else play.data.epoch,
            "generation": 1 if started else play.data.generation + 1,
            "follows": [id_of(play)],
            "item": item,
            "automatic": automatic,
            **given,
        }
        return self.emit(who, at_ms, "playback.advanced", **data)

    def pause(self, who: str, at_ms: int, start: Event) -> Event:
        return self.emit(who, at_ms, "playback.paused", epoch=id_of(start))

    def resume(self, who: str, at_ms: int, start: Event, play: Event, position_ms: int) -> Event:
        return self.emit(who, at_ms, "playback.resumed", epoch=id_of(start), play=id_of(play), position_ms=position_ms)

    def seek(self, who: str, at_ms: int, play: Event, position_ms: int, *, playing: bool = True) -> Event:
        return self.emit(who, at_ms, "playback.seeked", play=id_of(play), position_ms=position_ms, playing=playing)

    def speed(self, who: str, at_ms: int, start: Event, position_ms: int, speed_permille: int) -> Event:
        return self.emit(
            who,
            at_ms,
            "playback.speed_changed",
            epoch=id_of(start),
            play=id_of(start),
            position_ms=position_ms,
            playing=True,
            speed_permille=speed_permille,
        )

    def report(self, at_ms: int, play: Event, position_ms: int, *answers: Event, buffering: bool = False) -> Event:
        return self.emit(
            "phone",
            at_ms,
            "playback.reported",
            play=id_of(play),
            position_ms=position_ms,
            buffering=buffering,
            answers=[stamp(event.t, event.writer) for event in answers],
        )

    def ask_all(self, *at_ms: int, device: str | None = None) -> None:
        """Where it stands at some moments, and what the queue holds."""
        for moment in at_ms:
            self.ask("playback", at_ms=moment, device=device)
        self.ask("queue", device=device)


_TOLD: list[Callable[[Listening], None]] = []


def told(tell: Callable[[Listening], None]) -> Callable[[Listening], None]:
    """Tell this story too."""
    _TOLD.append(tell)
    return tell


# --- skips ---


@told
def two_press_next(story: Listening) -> None:
    """two devices press Next, 40 ms apart, unaware: one skip"""
    story.next("phone", 30_000, story.x, 0)
    story.next("web", 30_040, story.x, 0)
    story.ask_all(31_000)


@told
def next_after_seeing_the_first(story: Listening) -> None:
    """the second presses Next after seeing the first: two skips"""
    first = story.next("phone", 30_000, story.x, 0)
    story.next("web", 30_040, first, 1)
    story.ask_all(31_000)


@told
def late_skip_of_what_was_left(story: Listening) -> None:
    """a skip from the first play arrives last, with the largest stamp: no skip"""
    first = story.next("phone", 30_000, story.x, 0)
    story.next("car", 31_000, first, 1)
    story.next("web", 40_000, story.x, 0)
    story.ask_all(41_000)


@told
def natural_end_and_next(story: Listening) -> None:
    """natural end and a user's Next within 5 ms: one advance"""
    story.next("phone", 200_000, story.x, 0, automatic=True)
    story.next("web", 200_005, story.x, 0)
    story.ask_all(201_000)


@told
def next_before_automatic_repeat(story: Listening) -> None:
    """Next pressed before an automatic repeat, unaware: the pressed one wins"""
    story.next("web", 199_800, story.x, 0)
    story.next("phone", 200_000, story.x, automatic=True)
    story.ask_all(201_000)


@told
def repeat_one(story: Listening) -> None:
    """repeat one: a new play of the same item, queue untouched"""
    story.emit("web", 10_000, "playback.mode_changed", repeat="one")
    story.next("phone", 200_000, story.x, automatic=True)
    story.ask("modes")
    story.ask_all(203_000)


@told
def skip_delivered_thrice(story: Listening) -> None:
    """one skip admitted three times with rising times: one skip"""
    skip = story.next("phone", 30_000, story.x, 0)
    story.again(skip, later_t=1)
    story.again(skip, later_t=4_096)
    story.ask_all(31_000)


@told
def orders_of_writers_at_one_time(story: Listening) -> None:
    """two presses in one ms: the larger writer's play, either consumes the same entry"""
    story.next("aaa", 30_000, story.x, 0)
    story.next("zzz", 30_000, story.x, 0)
    story.ask_all(30_500)


# --- pause, seek, speed ---


@told
def pause_then_unaware_seek(story: Listening) -> None:
    """pause at 20 s, unaware seek to 90 s at 21 s: paused at 90 s"""
    story.pause("phone", 20_000, story.x)
    story.seek("web", 21_000, story.x, 90_000)
    story.ask_all(21_000, 60_000)


@told
def seek_then_unaware_pause(story: Listening) -> None:
    """seek to 90 s at 20 s, unaware pause at 23 s: paused at 93 s"""
    story.seek("web", 20_000, story.x, 90_000)
    story.pause("phone", 23_000, story.x)
    story.ask_all(22_000, 60_000)


@told
def pause_then_unaware_next(story: Listening) -> None:
    """pause at 20 s, unaware Next at 21 s: the next one plays"""
    story.pause("phone", 20_000, story.x)
    story.next("web", 21_000, story.x, 0)
    story.ask_all(25_000)


@told
def pause_automatic_resume(story: Listening) -> None:
    """pause, unaware automatic advance, resume naming the old play: counts from the resume"""
    story.pause("web", 199_000, story.x)
    story.next("phone", 200_000, story.x, 0, automatic=True)
    story.resume("web", 210_000, story.x, story.x, 199_000)
    story.ask_all(205_000, 215_000)


@told
def pause_then_unaware_play(story: Listening) -> None:
    """pause, and 5 ms later an unaware play: playing"""
    story.pause("web", 20_000, story.x)
    story.resume("phone", 20_005, story.x, story.x, 20_000)
    story.ask_all(25_000)


@told
def seek_while_paused_then_resume(story: Listening) -> None:
    """paused, seeked while paused, resumed elsewhere: counts from the resume"""
    story.pause("web", 20_000, story.x)
    story.seek("web", 22_000, story.x, 50_000, playing=False)
    story.resume("phone", 30_000, story.x, story.x, 50_000)
    story.ask_all(25_000, 31_000)


@told
def seek_while_paused_then_pause_again(story: Listening) -> None:
    """paused, seeked while paused, paused again: it stands where it was put"""
    story.pause("web", 20_000, story.x)
    story.seek("web", 22_000, story.x, 50_000, playing=False)
    story.pause("phone", 30_000, story.x)
    story.ask_all(40_000)


@told
def speed_then_unaware_seek(story: Listening) -> None:
    """speed 1.5, then a seek by a device unaware of it: position of the seek, speed 1.5"""
    story.speed("phone", 10_000, story.x, 10_000, 1_500)
    story.seek("web", 12_000, story.x, 60_000)
    story.ask_all(22_000)


@told
def speed_goes_on_with_the_epoch(story: Listening) -> None:
    """speed 1.5, then the next item: still 1.5"""
    story.speed("phone", 10_000, story.x, 10_000, 1_500)
    story.next("phone", 20_000, story.x, 0)
    story.ask_all(30_000)


@told
def speed_counts_from_its_change(story: Listening) -> None:
    """speed 1.5, 10 s later: 15 s further, rounded down"""
    story.speed("phone", 10_000, story.x, 10_000, 1_500)
    story.ask_all(20_000, 20_001)


@told
def past_the_end(story: Listening) -> None:
    """past its end it stands at the end; 10 s later it is stale"""
    story.ask_all(199_999, 200_000, 210_000, 210_001)


@told
def before_the_start(story: Listening) -> None:
    """a clock behind the last event shows no negative position"""
    story.seek("web", 5_000, story.x, 1_000)
    story.ask_all(0, 4_999)


# --- reports ---


@told
def report_then_seek(story: Listening) -> None:
    """the renderer measures 8 s at 10 s: 18 s at 20 s"""
    story.report(10_000, story.x, 8_000, story.x, story.x)
    story.ask_all(20_000)
    story.ask("answers", device=None)


@told
def report_made_void(story: Listening) -> None:
    """a seek after the report: the report is ignored"""
    story.report(10_000, story.x, 8_000, story.x, story.x)
    story.seek("web", 25_000, story.x, 60_000)
    story.ask_all(26_000)
    story.ask("answers", device=None)


@told
def report_of_another_command(story: Listening) -> None:
    """a report that answers only one of two commands is ignored"""
    story.pause("web", 20_000, story.x)
    story.report(21_000, story.x, 8_000, story.x, story.x)
    story.ask_all(30_000)


@told
def report_while_paused(story: Listening) -> None:
    """a report of a paused play: where it really stopped"""
    pause = story.pause("web", 20_000, story.x)
    story.report(21_000, story.x, 19_500, story.x, pause)
    story.ask_all(30_000)


@told
def report_of_buffering(story: Listening) -> None:
    """while the renderer buffers, the position stands"""
    story.report(10_000, story.x, 8_000, story.x, story.x, buffering=True)
    story.ask_all(15_000)


# --- starts, transfers, detached sessions ---


@told
def transfer_against_a_tunnel(story: Listening) -> None:
    """transfer, while the old renderer advances twice in a tunnel: the transfer stands, the queue is whole"""
    story.start("speaker", 60_000, "X", follows=(story.x,), position_ms=60_000)
    first = story.next("phone", 200_000, story.x, 0, automatic=True)
    story.next("phone", 400_000, first, 1, automatic=True)
    story.ask_all(100_000, 401_000)


@told
def two_starts(story: Listening) -> None:
    """two devices start playing 1 ms apart: the later"""
    story.start("web", 60_000, "A", follows=(story.x,))
    story.start("car", 60_001, "B", follows=(story.x,))
    story.ask_all(61_000)


@told
def detached_while_live(story: Listening) -> None:
    """played and paused without a connection while the web is live: each shows its own"""
    web = story.start("web", 60_000, "A", follows=(story.x,))
    alone = story.start("phone", 90_000, "B", follows=(story.x,), detached=True)
    story.next("phone", 290_000, alone, 0, automatic=True)
    story.pause("phone", 3_000_000, alone)
    story.next("web", 260_000, web, 1, automatic=True)
    for device in (None, "phone", "web"):
        story.ask_all(3_100_000, device=device)


@told
def adopted(story: Listening) -> None:
    """a detached session adopted by a start that follows both: what either heard is consumed"""
    web = story.start("web", 60_000, "A", follows=(story.x,))
    heard = story.next("web", 260_000, web, 0, automatic=True)
    story.pause("web", 270_000, web)
    alone = story.start("phone", 90_000, "B", follows=(story.x,), detached=True)
    heard_alone = story.next("phone", 290_000, alone, 1, automatic=True)
    item = heard_alone.data.item
    story.start("phone", 300_000, "Z", follows=(heard_alone, heard), item=item, position_ms=10_000)
    for device in (None, "phone"):
        story.ask_all(310_000, device=device)


@told
def detached_left_behind(story: Listening) -> None:
    """a device that starts something new has left the session it began by itself"""
    alone = story.start("phone", 60_000, "B", follows=(story.x,), detached=True)
    story.next("phone", 90_000, alone, 2)
    story.start("phone", 120_000, "C", follows=(story.x,))
    story.ask_all(121_000, device="phone")


@told
def head_without_its_start(story: Listening) -> None:
    """an advance whose start has not arrived is no head"""
    story.emit(
        "web",
        90_000,
        "playback.advanced",
        epoch="unknown000.1",
        generation=5,
        follows=["unknown000.1"],
        item={"from": "context", "id": "Q", "track": "Q"},
    )
    story.ask_all(91_000)


@told
def advance_that_names_itself(story: Listening) -> None:
    """an advance that names itself as its epoch opens none"""
    own_id = "web0000000.1"
    item = {"from": "context", "id": "Q", "track": "Q"}
    made = story.emit(
        "web", 90_000, "playback.advanced", epoch=own_id, generation=1, follows=[id_of(story.x)], item=item
    )
    assert id_of(made) == own_id
    story.ask_all(91_000)


@told
def nothing_ever_played(story: Listening) -> None:
    """nothing was ever started"""
    del story.events[1]
    story.ask_all(0)
    story.ask("answers", device=None)


# --- what stops by itself ---


@told
def sleep_timer(story: Listening) -> None:
    """the sleep timer stops it"""
    story.emit("web", 10_000, "playback.mode_changed", sleep_at_ms=START_MS + 60_000)
    story.ask_all(59_999, 60_000, 90_000)
    story.ask("modes")


@told
def sleep_timer_then_play(story: Listening) -> None:
    """played again after the sleep timer: it plays"""
    story.emit("web", 10_000, "playback.mode_changed", sleep_at_ms=START_MS + 60_000)
    story.resume("web", 90_000, story.x, story.x, 60_000)
    story.ask_all(80_000, 95_000)


@told
def sleep_timer_and_late_pause(story: Listening) -> None:
    """a pause after the sleep timer counts as of the timer"""
    story.emit("web", 10_000, "playback.mode_changed", sleep_at_ms=START_MS + 60_000)
    story.pause("web", 90_000, story.x)
    story.ask_all(95_000)


@told
def renderer_revoked(story: Listening) -> None:
    """a device that is revoked plays nothing"""
    story.emit("server", 20_000, "device.revoked", device="phone")
    story.ask_all(30_000)


@told
def unknown_kind(story: Listening) -> None:
    """a kind that is not known changes nothing"""
    story.emit("web", 20_000, "lights.dimmed", room="kitchen")
    story.ask_all(30_000)


def playback() -> Vectors:
    """Every story, named by its first sentence."""
    cases = []
    for tell in _TOLD:
        story = Listening()
        tell(story)
        cases.append(story.case(str(tell.__doc__)))
    return Vectors(
        "Playback: events in any order -> what plays where, at some moments, and the queue.", distinct(cases)
    )
