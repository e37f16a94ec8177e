"""Events as a listener's day brings them: at least one of each kind, with optional fields given and left out."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from syncd.model.events import EVENTS, Event
from syncd.model.stamp import stamp

ACCOUNT = "a:9f3c"
PLAYLIST = "p:6c0mm0nGr0und9xQ"
PHONE = "k3v9q2m4ta"
"""A writer; so is the next."""
LAPTOP = "7xw1zc8bpd"
T = 3612405760024576
"""The time that merge.md and design.md use in their examples: 1763870000012 ms, counter 0."""
_EPOCH = f"{PHONE}.4"
_PLAY = f"{LAPTOP}.7"
_ITEM = f"{PHONE}.1.0"
_SLOT = f"{LAPTOP}.12.3"


class Sample(NamedTuple):
    """One example: `name` says what is special about it, `data` is what the client sends."""

    name: str
    kind: str
    data: dict[str, Any]
    stream: str = ACCOUNT

    def event(self, *, writer: str = PHONE, seq: int = 9, t: int = T) -> Event:
        """The sample as an admitted event."""
        data = msgspec.convert(self.data, EVENTS[self.kind]) if self.kind in EVENTS else self.data
        return Event(self.stream, writer, seq, t, self.kind, data)


_LISTS = [
    Sample("first of a list", "list.inserted", {"list": "queue", "side": "R", "items": [{"track": "t1"}]}),
    Sample(
        "after a slot, with fields of the player's own",
        "list.inserted",
        {
            "list": "items",
            "parent": _SLOT,
            "side": "R",
            "items": [
                {"track": "t1", "added_by": "9f3c"},
                {"track": "t1"},
                {"track": "spotify:track:4uLU", "tags": ["a", 1, None]},
            ],
        },
        PLAYLIST,
    ),
    Sample(
        "before a slot",
        "list.inserted",
        {"list": "sidebar", "parent": _SLOT, "side": "L", "items": [{"playlist": PLAYLIST[2:]}]},
    ),
    Sample(
        "to the start",
        "list.moved",
        {"list": "items", "ids": [_ITEM, f"{PHONE}.1.1"], "parent": _SLOT, "side": "L"},
        PLAYLIST,
    ),
    Sample("back to the exact old slot", "list.moved_back", {"list": "items", "item": _ITEM, "slot": _SLOT}, PLAYLIST),
    Sample("two at once", "list.removed", {"list": "queue", "ids": [_ITEM, _SLOT]}),
    Sample("one", "list.restored", {"list": "queue", "ids": [_ITEM]}),
    Sample("of two writers", "list.cleared", {"list": "queue", "seen": {PHONE: 8, LAPTOP: 2048}}),
    Sample("of an empty list", "list.cleared", {"list": "queue", "seen": {}}),
]

_PLAYBACK = [
    Sample(
        "from an album",
        "playback.started",
        {
            "device": "d1",
            "item": {"from": "context", "id": "t1", "track": "t1", "duration_ms": 215_000},
            "context": {"album": "al1", "index": 0},
            "follows": [],
            "position_ms": 0,
            "playing": True,
            "speed_permille": 1_000,
        },
    ),
    Sample(
        "adopted, paused, without a context",
        "playback.started",
        {
            "device": "living room/speaker",
            "item": {"from": "queue", "id": _ITEM, "track": "t2"},
            "follows": [_EPOCH, _PLAY],
            "position_ms": 61_500,
            "playing": False,
            "speed_permille": 1_500,
            "detached": True,
        },
    ),
    Sample(
        "pressed",
        "playback.advanced",
        {
            "epoch": _EPOCH,
            "generation": 2,
            "follows": [_PLAY],
            "item": {"from": "queue", "id": _ITEM, "track": "t2", "duration_ms": None},
        },
    ),
    Sample(
        "natural end, into an episode",
        "playback.advanced",
        {
            "epoch": _EPOCH,
            "generation": 3,
            "follows": [_PLAY],
            "item": {"from": "context", "id": "ep7", "track": "ep7", "duration_ms": 3_600_000},
            "position_ms": 30_000,
            "automatic": True,
        },
    ),
    Sample("the epoch", "playback.paused", {"epoch": _EPOCH}),
    Sample("where it was", "playback.resumed", {"epoch": _EPOCH, "play": _PLAY, "position_ms": 20_000}),
    Sample("while playing", "playback.seeked", {"play": _PLAY, "position_ms": 90_000, "playing": True}),
    Sample(
        "half as fast again",
        "playback.speed_changed",
        {"epoch": _EPOCH, "play": _PLAY, "position_ms": 10_000, "playing": True, "speed_permille": 1_500},
    ),
    Sample(
        "an answer to two commands",
        "playback.reported",
        {
            "play": _PLAY,
            "position_ms": 8_000,
            "buffering": False,
            "answers": [stamp(T - 4096, PHONE), stamp(T - 2048, LAPTOP)],
        },
    ),
    Sample(
        "an answer from the future writes nothing",
        "playback.reported",
        {
            "play": _PLAY,
            "position_ms": 8_000,
            "buffering": True,
            "answers": [stamp(T - 4096, PHONE), "v" * 11 + "z" * 10],
        },
    ),
    Sample(
        "all three",
        "playback.mode_changed",
        {"shuffle": {"on": True, "seed": 42}, "repeat": "all", "sleep_at_ms": 1_763_873_600_000},
    ),
    Sample("the sleep timer off", "playback.mode_changed", {"sleep_at_ms": None}),
    Sample("nothing given", "playback.mode_changed", {}),
    Sample("half", "device.volume_changed", {"device": "d1", "volume_permille": 500}),
]

_LISTENER = [
    Sample("liked", "library.changed", {"set": "tracks", "ids": ["t1", "t2"], "value": True}),
    Sample("taken out again", "library.changed", {"set": "my albums/2025", "ids": ["100% née"], "value": False}),
    Sample("rated", "library.changed", {"set": "ratings", "ids": ["t1"], "value": 80}),
    Sample(
        "of the account and of one device",
        "settings.changed",
        {"crossfade_ms": 4_000, "d1/equalizer": {"bass": -2, "curve": [1, 2, 3]}, "theme": None},
    ),
    Sample(
        "into a listen-through",
        "progress.listened",
        {
            "episode": "ep7",
            "position_ms": 600_000,
            "duration_ms": 3_600_000,
            "finished": False,
            "through": stamp(T - 2048, LAPTOP),
        },
    ),
    Sample("the first ever", "progress.listened", {"episode": "ep 8?", "position_ms": 1, "through": "0" * 21}),
    Sample(
        "a listen-through from the future writes no furthest",
        "progress.listened",
        {"episode": "ep7", "position_ms": 5, "through": stamp(T + 1, LAPTOP)},
    ),
    Sample("played", "progress.marked", {"episode": "ep7", "played": True}),
    Sample("unplayed opens a new listen-through", "progress.marked", {"episode": "ep7", "played": False}),
    Sample(
        "all fields",
        "history.played",
        {
            "play": _PLAY,
            "track": "t1",
            "context": {"album": "al1"},
            "started_ms": 1_763_869_900_000,
            "listened_ms": 90_000,
            "skipped": True,
            "reason": "next",
        },
    ),
    Sample(
        "a start after its own stamp counts as its stamp",
        "history.played",
        {"play": "offline 1", "track": "t1", "started_ms": 9_007_199_254_740_991, "listened_ms": 0},
    ),
    Sample("one", "history.removed", {"play": _PLAY}),
    Sample("up to a moment", "history.cleared", {"before_ms": 1_763_869_000_000}),
    Sample("never beyond its own stamp", "history.cleared", {"before_ms": 9_007_199_254_740_991}),
]

_DESCRIBED = [
    Sample(
        "all fields",
        "device.described",
        {
            "device": "d1",
            "name": "Kitchen \u201cradio\u201d",
            "kind": "speaker",
            "capabilities": {"volume": True, "formats": ["opus", "flac"]},
        },
    ),
    Sample("a name taken back", "device.described", {"device": "d1", "name": None}),
    Sample("nothing given", "device.described", {"device": "d1"}),
    Sample("for ever", "device.revoked", {"device": "d1"}),
    Sample(
        "all fields",
        "playlist.described",
        {
            "name": "Road trip \U0001f697",
            "description": "",
            "image": "img/1",
            "public": True,
            "collaborative": False,
            "deleted": False,
        },
        PLAYLIST,
    ),
    Sample("deleted", "playlist.described", {"deleted": True}, PLAYLIST),
    Sample("nothing given", "playlist.described", {}, PLAYLIST),
    Sample("an editor", "playlist.member_changed", {"account": "77ab", "role": "editor"}, PLAYLIST),
    Sample("taken off", "playlist.member_changed", {"account": "77ab", "role": None}, PLAYLIST),
]

SAMPLES: list[Sample] = [*_LISTS, *_PLAYBACK, *_LISTENER, *_DESCRIBED]
"""In the order of `EVENTS`, the first of each kind being the plainest."""
