"""Stories of what a listener keeps: library, settings, progress, history, devices, playlists."""

from __future__ import annotations

from collections.abc import Callable

from syncd.model.ids import CellKey
from syncd.model.stamp import NO_STAMP, STAMP_LENGTH
from syncd.operations.schemas.samples.events import ACCOUNT, PLAYLIST
from syncd.operations.schemas.vectors.case import Vectors, distinct
from syncd.operations.schemas.vectors.story import START_MS, Story

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_TOLD: list[tuple[Callable[[Story], None], str]] = []


def told(tell: Callable[[Story], None]) -> Callable[[Story], None]:
    """Tell this story of an account too."""
    _TOLD.append((tell, ACCOUNT))
    return tell


def told_of_playlist(tell: Callable[[Story], None]) -> Callable[[Story], None]:
    """Tell this story of a playlist too."""
    _TOLD.append((tell, PLAYLIST))
    return tell


# --- library, settings ---


@told
def like_and_unlike(story: Story) -> None:
    """liked offline at 10:00, taken back on the web at 10:05: not liked, whatever arrives last"""
    story.emit("web", 5 * _MINUTE_MS, "library.changed", set="tracks", ids=["t1"], value=False)
    story.emit("phone", 0, "library.changed", set="tracks", ids=["t1", "t2"], value=True)
    story.ask("library")


@told
def order_of_library(story: Story) -> None:
    """ids in the order in which they were added; those of one event by key; ratings keep their number"""
    story.emit("phone", 0, "library.changed", set="tracks", ids=["9", "10", "b/c", "caf\u00e9"], value=True)
    story.emit("web", 1, "library.changed", set="tracks", ids=["1"], value=True)
    story.emit("web", 2, "library.changed", set="ratings", ids=["t1", "t2"], value=80)
    story.emit("phone", 3, "library.changed", set="ratings", ids=["t2"], value=0)
    story.emit("phone", 4, "library.changed", set="ratings", ids=["t3"], value=False)
    story.ask("library")


@told
def settings(story: Story) -> None:
    """two keys: both; one key twice: the later; null is a value; a device's own key"""
    story.emit("phone", 0, "settings.changed", theme="dark", crossfade_ms=4_000)
    story.emit("web", 5, "settings.changed", theme="light", quality=None)
    story.emit("phone", 3, "settings.changed", **{"theme": {"name": "sepia"}, "d1/equalizer": [1, -2]})
    story.ask("settings")


@told
def sidebar(story: Story) -> None:
    """the sidebar: places first, the first entry of each counts, then the order of adding; hidden ones are left out"""
    for n, playlist in enumerate(("pl-d", "pl-c", "pl-b", "pl-a")):
        story.emit("web", n, "library.changed", set="playlists", ids=[playlist], value=True)
    items = [{"playlist": playlist} for playlist in ("pl-a", "pl-gone", "pl-b", "pl-a")]
    story.emit("web", 10, "list.inserted", list="sidebar", side="R", items=items)
    story.ask("sidebar", hidden=[])
    story.ask("sidebar", hidden=["pl-b", "pl-c"])


# --- progress ---


@told
def played_elsewhere(story: Story) -> None:
    """5 min heard on Monday, offline; finished on the web; the phone syncs on Tuesday: played"""
    story.emit("phone", 0, "progress.listened", episode="ep7", position_ms=5 * _MINUTE_MS, through=NO_STAMP)
    story.emit(
        "web",
        3 * _HOUR_MS,
        "progress.listened",
        episode="ep7",
        position_ms=_HOUR_MS,
        duration_ms=_HOUR_MS,
        finished=True,
        through=NO_STAMP,
    )
    story.ask("progress")
    story.ask("through", episode="ep7")


@told
def rewound(story: Story) -> None:
    """rewound from 50 to 10 min: resume at 10, furthest 50"""
    for at_ms, minutes in ((0, 50), (1, 10)):
        story.emit(
            "web", at_ms, "progress.listened", episode="ep 7/x", position_ms=minutes * _MINUTE_MS, through=NO_STAMP
        )
    story.ask("progress")


@told
def marked_unplayed(story: Story) -> None:
    """marked unplayed after 50 min: 0, furthest 0; later progress names the new listen-through"""
    story.emit("web", 0, "progress.listened", episode="ep7", position_ms=50 * _MINUTE_MS, through=NO_STAMP)
    story.emit("web", 1, "progress.marked", episode="ep7", played=False)
    story.ask("progress")
    story.ask("through", episode="ep7")
    story.ask("through", episode="ep8")


@told
def a_second_listen_through(story: Story) -> None:
    """a new listen-through beats a larger position of the old one that arrives late"""
    story.emit("web", 0, "progress.marked", episode="ep7", played=False)
    opened = story.cells()[CellKey("progress/ep7/furthest")].rank[:STAMP_LENGTH]
    story.emit("web", 60, "progress.listened", episode="ep7", position_ms=2 * _MINUTE_MS, through=opened)
    story.emit("phone", 90, "progress.listened", episode="ep7", position_ms=50 * _MINUTE_MS, through=NO_STAMP)
    story.emit("car", 91, "progress.listened", episode="ep7", position_ms=_MINUTE_MS, through=opened)
    story.ask("progress")


@told
def marked_played(story: Story) -> None:
    """marked played: it resumes at 0"""
    story.emit("web", 0, "progress.listened", episode="ep7", position_ms=_MINUTE_MS, through=NO_STAMP)
    story.emit("web", 1, "progress.marked", episode="ep7", played=True)
    story.ask("progress")


# --- history ---


def _played(story: Story, who: str, at_ms: int, play: str, listened_ms: int = 1_000) -> None:
    track = f"track of {play}"
    story.emit(
        who, at_ms, "history.played", play=play, track=track, started_ms=START_MS + at_ms, listened_ms=listened_ms
    )


@told
def history_cleared(story: Story) -> None:
    """history cleared; an older play arrives after: hidden; later ones stay"""
    _played(story, "phone", 0, "p1")
    _played(story, "phone", 60_000, "p2")
    _played(story, "web", 60_001, "p3")
    story.emit("web", 70_000, "history.cleared", before_ms=START_MS + 60_000)
    story.ask("history")


@told
def begun_before_the_clear(story: Story) -> None:
    """a play that began before the clear and was reported after it stays"""
    story.emit("web", 60_000, "history.cleared", before_ms=START_MS + 60_000)
    story.emit("phone", 60_001, "history.played", play="p1", track="t1", started_ms=START_MS, listened_ms=60_000)
    story.ask("history")


@told
def cleared_from_ahead(story: Story) -> None:
    """a clear cannot reach beyond its own time"""
    story.emit("web", 1_000, "history.cleared", before_ms=2**53 - 1)
    _played(story, "phone", 2_000, "p1")
    story.ask("history")


@told
def reported_twice(story: Story) -> None:
    """a play reported twice, growing: the larger, also when it arrives first"""
    _played(story, "phone", 0, "p1", 30_000)
    _played(story, "phone", 30_000, "p1", 60_000)
    _played(story, "web", 10_000, "p2")
    story.ask("history")


@told
def removed_before_it_came(story: Story) -> None:
    """an entry removed before it came: gone"""
    story.emit("web", 0, "history.removed", play="p 1")
    _played(story, "phone", 1_000, "p 1")
    _played(story, "phone", 2_000, "p2")
    story.ask("history")


# --- devices, playlists ---


@told
def revoked_and_renamed(story: Story) -> None:
    """revoked while it is renamed: both"""
    story.emit("web", 0, "device.described", device="d1", name="Kitchen", kind="speaker", capabilities={"volume": True})
    story.emit("server", 1_000, "device.revoked", device="d1")
    story.emit("phone", 1_001, "device.described", device="d1", name="Bath")
    story.emit("phone", 1_002, "device.volume_changed", device="d 2", volume_permille=0)
    story.ask("devices")


@told_of_playlist
def described(story: Story) -> None:
    """two renames and a description: the later name, the description kept; deleted and brought back"""
    story.emit("ann", 0, "playlist.described", name="First", description="ours")
    story.emit("bob", 1, "playlist.described", name="Second", image=None)
    story.emit("ann", 2, "playlist.described", deleted=True)
    story.emit("ann", 3, "playlist.described", deleted=False, public=True)
    story.ask("playlist")


@told_of_playlist
def members(story: Story) -> None:
    """who may do what"""
    story.emit("ann", 0, "playlist.member_changed", account="ed", role="editor")
    story.emit("ann", 1, "playlist.member_changed", account="vi", role="viewer")
    story.emit("ann", 2, "playlist.member_changed", account="off", role="editor")
    story.emit("ann", 3, "playlist.member_changed", account="off", role=None)
    for public, collaborative in ((False, False), (False, True)):
        story.emit("ann", 10, "playlist.described", public=public, collaborative=collaborative)
    story.ask("playlist")
    for account in ("owner", "ed", "vi", "off", "anybody"):
        for kind in ("list.inserted", "playlist.described"):
            story.ask("access", account=account, owner="owner", kind=kind)


@told_of_playlist
def public_and_collaborative(story: Story) -> None:
    """public and collaborative: anybody edits the list, nobody else the playlist"""
    story.emit("ann", 0, "playlist.described", public=True, collaborative=True)
    for kind in ("list.inserted", "playlist.member_changed"):
        story.ask("access", account="anybody", owner="owner", kind=kind)


@told_of_playlist
def nothing_said(story: Story) -> None:
    """a playlist that says nothing"""
    story.ask("playlist")
    story.ask("access", account="anybody", owner="owner", kind="list.inserted")


def listener() -> Vectors:
    """Every story, named by its first sentence."""
    cases = []
    for tell, stream in _TOLD:
        story = Story(stream=stream)
        tell(story)
        cases.append(story.case(str(tell.__doc__)))
    return Vectors(
        "What a listener keeps: events in any order -> library, settings, progress, history, …", distinct(cases)
    )
