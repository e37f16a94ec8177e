"""Library, settings, progress, history, devices, playlists, shuffle. Source: merge.md section 5."""

from __future__ import annotations

from player import MINUTE_MS
from world import START_MS, Device, World, assert_every_order

from syncd.model.cells import Cells
from syncd.model.events import Event
from syncd.model.shuffle import shuffled
from syncd.model.views.access import access_of
from syncd.model.views.devices import devices_view
from syncd.model.views.history import history_view
from syncd.model.views.library import library_view
from syncd.model.views.playlist import playlist_view
from syncd.model.views.progress import ProgressView, progress_view, through
from syncd.model.views.settings import settings_view

HOUR_MS = 60 * MINUTE_MS
PLAYLIST = "p:summer-0123456789abcdef"


def two_devices(stream: str = "a:9f3c") -> tuple[World, Device, Device]:
    """A phone and a web player that have seen nothing of each other."""
    world = World()
    return world, world.device("phone", stream=stream), world.device("web", stream=stream)


# --- library, settings ---


def test_an_unlike_is_not_undone_by_an_earlier_like_that_arrives_later() -> None:
    world, phone, web = two_devices()
    world.at(0)
    liked = phone.make("library.changed", set="tracks", ids=["t1"], value=True)
    world.at(5 * MINUTE_MS)
    web.emit("library.changed", set="tracks", ids=["t1"], value=False)
    world.at(HOUR_MS)
    phone.admit(liked)
    assert_every_order(world.admitted, lambda cells: _equal(library_view(cells), {}))


def test_likes_of_different_tracks_and_ratings_stand_beside_each_other() -> None:
    world, phone, web = two_devices()
    phone.emit("library.changed", set="tracks", ids=["t1", "a/b ü"], value=True)
    world.at(5)
    web.emit("library.changed", set="ratings", ids=["t1"], value=80)
    expected = {"tracks": {"a/b ü": True, "t1": True}, "ratings": {"t1": 80}}
    assert_every_order(world.admitted, lambda cells: _equal(library_view(cells), expected))


def test_a_rating_of_0_is_a_rating() -> None:
    world, phone, _ = two_devices()
    phone.emit("library.changed", set="ratings", ids=["t1"], value=0)
    assert_every_order(world.admitted, lambda cells: _equal(library_view(cells), {"ratings": {"t1": 0}}))


def test_two_settings_both_stay_and_of_one_set_twice_the_later() -> None:
    world, phone, web = two_devices()
    web.emit("settings.changed", theme="light", quality={"wifi": "high"})
    world.at(5)
    phone.emit("settings.changed", **{"theme": "dark", "phone/gapless": False})
    expected = {"phone/gapless": False, "quality": {"wifi": "high"}, "theme": "dark"}
    assert_every_order(world.admitted, lambda cells: _equal(settings_view(cells), expected))


# --- progress ---


def listen(device: Device, position_ms: int, *, finished: bool = False, admit: bool = True) -> Event:
    """Report progress in the listen-through that the device sees."""
    made = device.make(
        "progress.listened",
        episode="e1",
        position_ms=position_ms,
        duration_ms=HOUR_MS,
        finished=finished,
        through=through(device.cells, "e1"),
    )
    return device.admit(made) if admit else made


def _progress_is(cells: Cells, *, resume_ms: int, played: bool, furthest_ms: int) -> None:
    assert progress_view(cells) == {"e1": ProgressView(resume_ms, played, furthest_ms)}


def test_a_finish_is_not_undone_by_older_progress_that_arrives_later() -> None:
    world, phone, web = two_devices()
    monday = listen(phone, 5 * MINUTE_MS, admit=False)
    world.at(10 * HOUR_MS)
    listen(web, HOUR_MS, finished=True)
    world.at(24 * HOUR_MS)
    phone.admit(monday)
    assert_every_order(
        world.admitted, lambda cells: _progress_is(cells, resume_ms=HOUR_MS, played=True, furthest_ms=HOUR_MS)
    )


def test_a_rewind_moves_where_to_resume_and_keeps_the_furthest() -> None:
    world, phone, web = two_devices()
    listen(phone, 50 * MINUTE_MS)
    web.sees_all()
    world.at(MINUTE_MS)
    listen(web, 10 * MINUTE_MS)
    assert_every_order(
        world.admitted,
        lambda cells: _progress_is(cells, resume_ms=10 * MINUTE_MS, played=False, furthest_ms=50 * MINUTE_MS),
    )


def test_marking_unplayed_begins_again_at_0() -> None:
    world, phone, web = two_devices()
    listen(phone, 50 * MINUTE_MS)
    world.at(MINUTE_MS)
    web.emit("progress.marked", episode="e1", played=False)
    assert_every_order(world.admitted, lambda cells: _progress_is(cells, resume_ms=0, played=False, furthest_ms=0))


def test_progress_of_an_older_listen_through_does_not_move_the_furthest_of_a_new_one() -> None:
    world, phone, web = two_devices()
    listen(phone, 50 * MINUTE_MS)
    world.at(MINUTE_MS)
    web.emit("progress.marked", episode="e1", played=False)
    web.sees_all()
    world.at(2 * MINUTE_MS)
    # Unaware of the mark, so still in the old listen-through.
    listen(phone, 55 * MINUTE_MS)
    world.at(3 * MINUTE_MS)
    listen(web, 2 * MINUTE_MS)
    assert_every_order(
        world.admitted,
        lambda cells: _progress_is(cells, resume_ms=2 * MINUTE_MS, played=False, furthest_ms=2 * MINUTE_MS),
    )


def test_marking_played_keeps_the_furthest() -> None:
    world, phone, web = two_devices()
    listen(phone, 50 * MINUTE_MS)
    world.at(MINUTE_MS)
    web.emit("progress.marked", episode="e1", played=True)
    assert_every_order(
        world.admitted, lambda cells: _progress_is(cells, resume_ms=0, played=True, furthest_ms=50 * MINUTE_MS)
    )


def test_a_listen_through_from_the_future_does_not_win_for_ever() -> None:
    world, phone, web = two_devices()
    phone.emit("progress.listened", episode="e1", position_ms=HOUR_MS, through="z" * 21)
    world.at(MINUTE_MS)
    web.emit("progress.marked", episode="e1", played=False)
    assert_every_order(world.admitted, lambda cells: _progress_is(cells, resume_ms=0, played=False, furthest_ms=0))


# --- history ---


def heard(device: Device, play: str, *, listened_ms: int = 30_000, started_ms: int = START_MS) -> Event:
    """A play, reported now."""
    made = device.make(
        "history.played", play=play, track=f"track-{play}", started_ms=started_ms, listened_ms=listened_ms
    )
    return device.admit(made)


def _history_is(cells: Cells, *plays: str) -> None:
    assert [entry.play for entry in history_view(cells)] == list(plays)


def test_clearing_history_also_hides_older_plays_that_arrive_later() -> None:
    world, phone, web = two_devices()
    offline = phone.make("history.played", play="a", track="t", started_ms=START_MS, listened_ms=1)
    world.at(HOUR_MS)
    web.emit("history.cleared", before_ms=START_MS + HOUR_MS)
    world.at(2 * HOUR_MS)
    phone.admit(offline)
    heard(web, "b")
    world.at(3 * HOUR_MS)
    heard(web, "c")
    assert_every_order(world.admitted, lambda cells: _history_is(cells, "c", "b"))


def test_a_clear_up_to_the_future_clears_up_to_itself() -> None:
    world, _, web = two_devices()
    heard(web, "a")
    world.at(HOUR_MS)
    web.emit("history.cleared", before_ms=START_MS + 1_000 * HOUR_MS)
    world.at(2 * HOUR_MS)
    heard(web, "b")
    assert_every_order(world.admitted, lambda cells: _history_is(cells, "b"))


def test_a_clear_of_less_pressed_later_brings_nothing_back() -> None:
    world, phone, web = two_devices()
    world.at(MINUTE_MS)
    heard(web, "a")
    world.at(HOUR_MS)
    web.emit("history.cleared", before_ms=START_MS + HOUR_MS)
    world.at(2 * HOUR_MS)
    phone.emit("history.cleared", before_ms=START_MS)
    assert_every_order(world.admitted, lambda cells: _history_is(cells))


def test_a_play_reported_twice_counts_the_longer() -> None:
    world, phone, _ = two_devices()
    heard(phone, "a", listened_ms=30_000)
    world.at(MINUTE_MS)
    heard(phone, "a", listened_ms=90_000)
    world.at(2 * MINUTE_MS)
    heard(phone, "a", listened_ms=60_000)

    def check(cells: Cells) -> None:
        [entry] = history_view(cells)
        assert (entry.track, entry.listened_ms) == ("track-a", 90_000)

    assert_every_order(world.admitted, check)


def test_a_removed_entry_stays_gone_whenever_it_arrives() -> None:
    world, phone, web = two_devices()
    web.emit("history.removed", play="a")
    world.at(MINUTE_MS)
    heard(phone, "a")
    heard(phone, "b")
    assert_every_order(world.admitted, lambda cells: _history_is(cells, "b"))


def test_a_play_never_started_after_it_was_reported() -> None:
    world, phone, _ = two_devices()
    heard(phone, "a", started_ms=START_MS + HOUR_MS)

    def check(cells: Cells) -> None:
        [entry] = history_view(cells)
        assert entry.started_ms == START_MS

    assert_every_order(world.admitted, check)


# --- devices, playlists ---


def test_a_device_revoked_while_it_is_renamed_is_both() -> None:
    world, phone, web = two_devices()
    phone.emit("device.described", device="phone", name="Old", kind="phone", capabilities={"gapless": True})
    world.at(5)
    web.emit("device.revoked", device="phone")
    phone.emit("device.described", device="phone", name="New")
    phone.emit("device.volume_changed", device="phone", volume_permille=400)

    def check(cells: Cells) -> None:
        [device] = devices_view(cells)
        assert (device.name, device.kind, device.revoked) == ("New", "phone", True)
        assert (device.capabilities, device.volume_permille) == ({"gapless": True}, 400)

    assert_every_order(world.admitted, check)


def test_of_two_renames_the_later_stays_and_so_does_the_description() -> None:
    world, phone, web = two_devices(PLAYLIST)
    phone.emit("playlist.described", name="Summer", description="by the sea")
    world.at(5)
    web.emit("playlist.described", name="Winter")

    def check(cells: Cells) -> None:
        view = playlist_view(cells)
        assert (view.name, view.description, view.deleted) == ("Winter", "by the sea", False)

    assert_every_order(world.admitted, check)


def test_deleting_a_playlist_can_be_undone() -> None:
    world, phone, web = two_devices(PLAYLIST)
    phone.emit("playlist.described", name="Summer", deleted=True)
    world.at(5)
    web.emit("list.inserted", list="items", parent=None, side="R", items=[{"track": "t1"}])
    assert_every_order(world.admitted, lambda cells: _equal(playlist_view(cells).deleted, True))
    world.at(10)
    phone.emit("playlist.described", deleted=False)
    assert_every_order(world.admitted, lambda cells: _equal(playlist_view(cells).deleted, False))


def test_the_later_role_counts_and_null_takes_a_member_off() -> None:
    world, phone, web = two_devices(PLAYLIST)
    phone.emit("playlist.member_changed", account="ada", role="viewer")
    phone.emit("playlist.member_changed", account="bob", role="editor")
    world.at(5)
    web.emit("playlist.member_changed", account="ada", role="editor")
    web.emit("playlist.member_changed", account="bob", role=None)

    def check(cells: Cells) -> None:
        assert playlist_view(cells).members == {"ada": "editor"}
        assert access_of(cells, "ada", "eve").may_write("list.inserted")
        assert not access_of(cells, "bob", "eve").may_subscribe()

    assert_every_order(world.admitted, check)


# --- shuffle ---


def test_adding_a_track_leaves_the_others_in_their_shuffled_order() -> None:
    before = shuffled([f"i{n}" for n in range(20)], 42)
    after = shuffled([f"i{n}" for n in range(21)], 42)
    assert [id_ for id_ in after if id_ != "i20"] == before
    assert before != sorted(before)


def test_the_shuffled_order_begins_with_the_current_item_or_where_it_was() -> None:
    ids = [f"i{n}" for n in range(20)]
    with_it = shuffled(ids, 42, current="i7")
    assert with_it[0] == "i7"
    assert shuffled([id_ for id_ in ids if id_ != "i7"], 42, current="i7") == with_it[1:]


def _equal(seen: object, expected: object) -> None:
    assert seen == expected
