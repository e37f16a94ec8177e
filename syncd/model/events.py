"""Every event a client may emit, as a typed struct of its `data`.

Decoding with these types is what admission calls "shape": unknown fields, floats, numbers beyond 2^53 - 1 and ids of
the wrong form do not decode. What a struct cannot say (an id named twice, free JSON that holds a float) is in
`syncd.model.validate`. What each event writes is in `syncd.model.lowering`. Source: merge.md section 3.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from syncd.limits import ID_CHARS_MAX, ITEMS_MAX, SAFE_INTEGER_MAX
from syncd.model.ids import EVENT_ID_PATTERN, ITEM_ID_PATTERN, WRITER_PATTERN
from syncd.model.stamp import STAMP_LENGTH

Id = Annotated[str, Meta(min_length=1, max_length=ID_CHARS_MAX)]
"""An id somebody else chose: a track, an episode, a device. Any characters but NUL; percent-encoded inside keys."""
EventIdText = Annotated[str, Meta(pattern=EVENT_ID_PATTERN)]
ItemIdText = Annotated[str, Meta(pattern=ITEM_ID_PATTERN)]
WriterText = Annotated[str, Meta(pattern=WRITER_PATTERN)]
Rank = Annotated[str, Meta(pattern=f"^[0-9a-z]{{{STAMP_LENGTH}}}(?!\\n)$")]
Ms = Annotated[int, Meta(ge=0, le=SAFE_INTEGER_MAX)]
Count = Annotated[int, Meta(ge=0, le=SAFE_INTEGER_MAX)]
PerMille = Annotated[int, Meta(ge=0, le=1_000)]
Speed = Annotated[int, Meta(ge=1, le=100_000)]
"""Per mille of normal speed; never 0, which would be a pause."""
JsonObject: TypeAlias = dict[str, Any]
"""Free JSON, copied as given; `validate` refuses floats, NUL and unsafe integers in it."""
JsonValue: TypeAlias = Any
# Named here because fields called `list` and `set` hide the builtins inside the structs.
# The bound of 500 stands in their schemas only: admission answers it with `limit`, a wrong shape with `invalid`.
_AT_MOST = {"maxItems": ITEMS_MAX}
Items = Annotated[list[JsonObject], Meta(min_length=1, extra_json_schema=_AT_MOST)]
ItemIds = Annotated[list[ItemIdText], Meta(min_length=1, extra_json_schema=_AT_MOST)]
Ids = Annotated[list[Id], Meta(min_length=1, extra_json_schema=_AT_MOST)]
ListName = Literal["queue", "items", "sidebar"]
Side = Literal["L", "R"]


class EventData(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Base of all event data."""


# --- lists (merge.md 3.1) ---


class ListInserted(EventData, frozen=True):
    """Items come into a list, as one block that stays together.

    Attributes:
        parent: the slot they hang on; null in a list that never had one, with side R.
        side: before (L) or after (R) that slot.
    """

    list: ListName
    items: Items
    side: Side
    parent: ItemIdText | None = None


class ListMoved(EventData, frozen=True):
    """Items, as one block in this order, get new slots.

    Attributes:
        parent: the slot they hang on; null in a list that never had one, with side R.
        side: before (L) or after (R) that slot.
    """

    list: ListName
    ids: ItemIds
    side: Side
    parent: ItemIdText | None = None


class ListMovedBack(EventData, frozen=True):
    """The undo of a move: the item's exact old slot."""

    list: ListName
    item: ItemIdText
    slot: ItemIdText


class ListRemoved(EventData, frozen=True):
    """Items go; they keep their slots, so that they can come back."""

    list: ListName
    ids: ItemIds


class ListRestored(EventData, frozen=True):
    """The undo of a removal, and of a clear."""

    list: ListName
    ids: ItemIds


class ListCleared(EventData, frozen=True):
    """`seen`: per writer, the largest seq of this list's runs that the client has."""

    list: ListName
    seen: dict[WriterText, Count]


# --- playback (merge.md 3.2) ---


class PlaybackStarted(EventData, frozen=True):
    """Play this, transfer, jump, adopt: opens an epoch.

    Attributes:
        device: the renderer.
        follows: the head its maker saw; two when it adopts a session begun without a connection.
        context: where "next" goes on when the queue is empty; any JSON.
        detached: made without a confirmed connection; only its own device shows it.
    """

    device: Id
    item: JsonObject
    follows: Annotated[list[EventIdText], Meta(max_length=2)]
    position_ms: Ms
    playing: bool
    speed_permille: Speed
    context: JsonValue = None
    detached: bool = False


class PlaybackAdvanced(EventData, frozen=True):
    """Next, previous, natural end: the next generation of an epoch.

    Attributes:
        generation: of the play it goes on from, plus 1.
        follows: the play it goes on from.
        position_ms: null stands for 0.
        automatic: by itself, at the end; only the renderer says so.
    """

    epoch: EventIdText
    generation: Annotated[int, Meta(ge=1, le=SAFE_INTEGER_MAX)]
    follows: Annotated[list[EventIdText], Meta(min_length=1, max_length=1)]
    item: JsonObject
    position_ms: Ms | None = None
    automatic: bool = False


class PlaybackPaused(EventData, frozen=True):
    """Stops the epoch. It says no position, so that an unaware seek survives it."""

    epoch: EventIdText


class PlaybackResumed(EventData, frozen=True):
    """Sets the epoch going again, from where `play` stands."""

    epoch: EventIdText
    play: EventIdText
    position_ms: Ms


class PlaybackSeeked(EventData, frozen=True):
    """Puts `play` at a position; `playing` says whether it goes on from there."""

    play: EventIdText
    position_ms: Ms
    playing: bool


class PlaybackSpeedChanged(EventData, frozen=True):
    """Changes the epoch's speed; the position tells how far the old one has brought it."""

    epoch: EventIdText
    play: EventIdText
    position_ms: Ms
    playing: bool
    speed_permille: Speed


class PlaybackReported(EventData, frozen=True):
    """`answers`: the rank of `play_at`, then the larger of the ranks of `play_on` and `play_off`."""

    play: EventIdText
    position_ms: Ms
    buffering: bool
    answers: Annotated[list[Rank], Meta(min_length=2, max_length=2)]


class Shuffle(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """`seed`: of murmur3_32."""

    on: bool
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class PlaybackModeChanged(EventData, frozen=True):
    """How playback goes on: what is given changes, the rest stays.

    Attributes:
        sleep_at_ms: server time at which it stops by itself; null takes the timer off.
    """

    shuffle: Shuffle | UnsetType = UNSET
    repeat: Literal["off", "one", "all"] | UnsetType = UNSET
    sleep_at_ms: Ms | None | UnsetType = UNSET


class DeviceVolumeChanged(EventData, frozen=True):
    """A device's volume, by whoever turns it."""

    device: Id
    volume_permille: PerMille


# --- the rest (merge.md 3.3) ---


class LibraryChanged(EventData, frozen=True):
    """`value`: true, false, or 0 to 100 in `ratings`."""

    set: Id
    ids: Ids
    value: bool | Annotated[int, Meta(ge=0, le=100)]


SettingsChanged: TypeAlias = Annotated[dict[Id, JsonValue], Meta(min_length=1)]
"""The data of `settings.changed` is the map itself; device-scoped keys read `<device>/<key>`."""


class ProgressListened(EventData, frozen=True):
    """`through`: the first 21 characters of the rank of `furthest` as the client sees it, 21 zeros at first."""

    episode: Id
    position_ms: Ms
    through: Rank
    duration_ms: Ms | None = None
    finished: bool = False


class ProgressMarked(EventData, frozen=True):
    """Played, or unplayed: the latter opens a new listen-through at 0."""

    episode: Id
    played: bool


class HistoryPlayed(EventData, frozen=True):
    """A play that was heard; reported again as it grows.

    Attributes:
        started_ms: only shown; what orders history is the event's own time.
    """

    play: Id
    track: Id
    started_ms: Ms
    listened_ms: Ms
    context: JsonValue = None
    skipped: bool = False
    reason: str | None = None


class HistoryRemoved(EventData, frozen=True):
    """One play is hidden for ever, also if it is reported later."""

    play: Id


class HistoryCleared(EventData, frozen=True):
    """Plays reported at or before that moment are hidden, also those that arrive later.

    Attributes:
        before_ms: server time; counts as at most the event's own.
    """

    before_ms: Ms


class DeviceDescribed(EventData, frozen=True):
    """What a device says about itself: what is given changes, the rest stays."""

    device: Id
    name: str | None | UnsetType = UNSET
    kind: str | None | UnsetType = UNSET
    capabilities: JsonValue | UnsetType = UNSET


class DeviceRevoked(EventData, frozen=True):
    """Written by the server only."""

    device: Id


class PlaylistDescribed(EventData, frozen=True):
    """What a playlist says about itself: what is given changes, the rest stays. Deleting can be undone."""

    name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    image: str | None | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    collaborative: bool | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET


class PlaylistMemberChanged(EventData, frozen=True):
    """A role of null takes the member off."""

    account: Id
    role: Literal["editor", "viewer"] | None


EVENTS: dict[str, Any] = {
    "list.inserted": ListInserted,
    "list.moved": ListMoved,
    "list.moved_back": ListMovedBack,
    "list.removed": ListRemoved,
    "list.restored": ListRestored,
    "list.cleared": ListCleared,
    "playback.started": PlaybackStarted,
    "playback.advanced": PlaybackAdvanced,
    "playback.paused": PlaybackPaused,
    "playback.resumed": PlaybackResumed,
    "playback.seeked": PlaybackSeeked,
    "playback.speed_changed": PlaybackSpeedChanged,
    "playback.reported": PlaybackReported,
    "playback.mode_changed": PlaybackModeChanged,
    "device.volume_changed": DeviceVolumeChanged,
    "library.changed": LibraryChanged,
    "settings.changed": SettingsChanged,
    "progress.listened": ProgressListened,
    "progress.marked": ProgressMarked,
    "history.played": HistoryPlayed,
    "history.removed": HistoryRemoved,
    "history.cleared": HistoryCleared,
    "device.described": DeviceDescribed,
    "device.revoked": DeviceRevoked,
    "playlist.described": PlaylistDescribed,
    "playlist.member_changed": PlaylistMemberChanged,
}
"""Kind -> type of its data. Kinds are durable names, written by hand."""

VOID = "void"
"""The kind of the record that uses up the seq of a permanently refused event; lowers to nothing."""
ERASED = "erased"
"""The kind of what is left of a record whose account was erased: its stream and its offset. Lowers to nothing."""
REBUILT = "projection.rebuilt"
"""The kind of the record that tells of a stream whose cells were swapped for ones that were built from the log anew."""
SERVER_KINDS = frozenset({"device.revoked", VOID, ERASED, REBUILT})
"""Kinds that only a server writes; a client that emits one is told `forbidden`."""


class Event(Struct, frozen=True, gc=False):
    """One admitted event.

    `t` is the packed time after admission. `data` is an instance of `EVENTS[kind]`; for a kind that this version does
    not know it is whatever JSON the log holds.
    """

    stream: str
    writer: str
    seq: int
    t: int
    kind: str
    data: Any
