"""What an event's data must be to enter the log: its shape, and what types cannot say about it.

`decode_data` reads one event's data as the struct of its kind; `check` judges the struct. A gateway does both before
the log (`read_data`); an SDK does `check` before an event becomes pending, so that it learns of a mistake where it was
made. All functions are pure and total: whatever the bytes, the answer is a value, `InvalidEvent` or `LimitExceeded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from syncd.errors import InvalidEvent, LimitExceeded
from syncd.limits import ID_CHARS_MAX, ITEMS_MAX, SAFE_INTEGER_MAX
from syncd.model.events import (
    EVENTS,
    DeviceDescribed,
    DeviceRevoked,
    DeviceVolumeChanged,
    HistoryPlayed,
    HistoryRemoved,
    LibraryChanged,
    ListCleared,
    ListInserted,
    ListMoved,
    ListMovedBack,
    ListName,
    ListRemoved,
    ListRestored,
    PlaybackAdvanced,
    PlaybackStarted,
    PlaylistDescribed,
    PlaylistMemberChanged,
    ProgressListened,
    ProgressMarked,
    SettingsChanged,
    Side,
)
from syncd.model.free_json import check_json, check_text, shown
from syncd.model.ids import is_playlist
from syncd.model.plain import read_plain_json, read_plain_msgpack
from syncd.model.raw import json_key_twice, msgpack_key_twice

Format: TypeAlias = Literal["json", "msgpack"]

_DECODERS: dict[str, dict[str, Callable[[bytes], Any]]] = {
    "json": {kind: msgspec.json.Decoder(type_).decode for kind, type_ in EVENTS.items()},
    "msgpack": {kind: msgspec.msgpack.Decoder(type_).decode for kind, type_ in EVENTS.items()},
}
_KEY_TWICE = {"json": json_key_twice, "msgpack": msgpack_key_twice}
_READ_PLAIN = {"json": read_plain_json, "msgpack": read_plain_msgpack}
_NOT_DECODED = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
_size_encoder = msgspec.json.Encoder()


def decode_data(kind: str, raw: bytes | memoryview | msgspec.Raw, *, format: Format) -> Any:
    """Read an event's data as the struct of its kind.

    Args:
        raw: the bytes of `data` alone, as they came.
        format: what the bytes are.

    Raises:
        InvalidEvent: the kind is unknown, or the data has another shape; the text names the field and what is allowed.
    """
    decode = _DECODERS[format].get(kind)
    if decode is None:
        raise InvalidEvent(f"kind {shown(kind)} is not known here")
    data = bytes(raw)
    try:
        value = decode(data)
        twice = _KEY_TWICE[format](data)
    except _NOT_DECODED as error:
        raise _not_decoded(kind, error) from error
    if twice is not None:
        raise InvalidEvent(f"data names the key {shown(twice)} twice")
    return value


def read_data(kind: str, raw: msgspec.Raw, *, format: Format, stream: str) -> Any:
    """`decode_data`, then the rules of `check` for a kind that the stream accepts: what a gateway asks of every event.

    Of plain data only what its fields have to do with each other is left to judge.
    """
    data = bytes(raw)
    value = _READ_PLAIN[format](kind, data)
    if value is None:
        value = decode_data(kind, data, format=format)
        check_data(kind, value, stream=stream)
        return value
    rule = _RULES.get(kind)
    if rule is not None:
        rule(value, stream, plain=True)
    return value


def _not_decoded(kind: str, error: Exception) -> InvalidEvent:
    if isinstance(error, RecursionError):
        return InvalidEvent("data nests too deep to be read")
    if isinstance(error, UnicodeDecodeError):
        return InvalidEvent(f"data holds text that is not UTF-8: {error.reason} at byte {error.start}")
    return InvalidEvent(f"data of {kind}: {error}")


def stream_accepts(kind: str, stream: str) -> bool:
    """Whether events of this kind belong into this stream: lists into both sorts, the rest into one of them."""
    return kind.startswith("list.") or kind.startswith("playlist.") == stream.startswith("p:")


def check(kind: str, data: Any, *, stream: str) -> None:
    """Judge decoded data by the rules that its type cannot state.

    Args:
        data: an instance of the struct of `kind`, as `decode_data` returns it.
        stream: where the event is to go.

    Raises:
        InvalidEvent: an id twice, a list or kind of another stream, an item without what it stands for, free JSON with
            a float, an unsafe integer, a NUL or a lone surrogate, or nested too deep.
        LimitExceeded: over `limits.ITEMS_MAX` items, ids, settings or writers.
    """
    if kind not in EVENTS:
        raise InvalidEvent(f"kind {shown(kind)} is not known here")
    if not stream_accepts(kind, stream):
        raise InvalidEvent(f"{kind} does not belong into stream {stream}")
    check_data(kind, data, stream=stream)


def check_data(kind: str, data: Any, *, stream: str) -> None:
    """The rules of `check`, of a kind that is known and accepted by the stream."""
    if (rule := _RULES.get(kind)) is not None:
        rule(data, stream, plain=False)
    elif (texts := _TEXTS.get(kind)) is not None:
        texts(data)


def canonical_size(data: Any) -> int:
    """Bytes of an event's data as canonical JSON, the measure of `limits.EVENT_BYTES_MAX`."""
    return len(_size_encoder.encode(data))


# --- the rules, by kind ---


class _Rule(Protocol):
    """Judges decoded data. `plain`: no text or free JSON in it needs a look (`syncd.model.plain`)."""

    def __call__(self, data: Any, stream: str, *, plain: bool) -> None: ...


def _check_count(things: Sized, what: str) -> None:
    if len(things) > ITEMS_MAX:
        raise LimitExceeded(f"{len(things)} {what}, at most {ITEMS_MAX} in one event")


def _check_once(ids: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for id_ in ids:
        if id_ in seen:
            raise InvalidEvent(f"{what} names {shown(id_)} twice")
        seen.add(id_)


def _check_list(name: ListName, stream: str) -> None:
    if (name == "items") != is_playlist(stream):
        allowed = '"items"' if is_playlist(stream) else '"queue" or "sidebar"'
        raise InvalidEvent(f'list is "{name}", stream {stream} has {allowed}')


def _check_place(parent: str | None, side: Side) -> None:
    if parent is None and side != "R":
        raise InvalidEvent(f'side is "{side}", under parent null it must be "R"')


def _check_id(value: object, what: str) -> None:
    if not (isinstance(value, str) and 1 <= len(value) <= ID_CHARS_MAX):
        raise InvalidEvent(f"{what} is {shown(value)}, must be a string of 1 to {ID_CHARS_MAX} characters")


def _inserted(data: ListInserted, stream: str, *, plain: bool) -> None:
    name, items = data.list, data.items
    if (name == "items") != stream.startswith("p:"):  # most events are of this kind: nothing is called to say yes
        _check_list(name, stream)
    if data.parent is None and data.side != "R":
        _check_place(None, data.side)
    if len(items) > ITEMS_MAX:
        _check_count(items, "items")
    field = "playlist" if name == "sidebar" else "track"
    for item in items:
        id_ = item.get(field)
        if type(id_) is not str or not id_ or len(id_) > ID_CHARS_MAX:
            _check_id(id_, f"items[{items.index(item)}].{field}")
    if not plain:
        check_json(items, "items", depth=2)


def _moved(data: ListMoved, stream: str, *, plain: bool) -> None:
    _check_place(data.parent, data.side)
    _listed(data, stream, plain=plain)


def _moved_back(data: ListMovedBack, stream: str, *, plain: bool) -> None:
    _check_list(data.list, stream)


def _listed(data: ListMoved | ListRemoved | ListRestored, stream: str, *, plain: bool) -> None:
    _check_list(data.list, stream)
    _check_count(data.ids, "ids")
    _check_once(data.ids, "ids")


def _cleared(data: ListCleared, stream: str, *, plain: bool) -> None:
    _check_list(data.list, stream)
    _check_count(data.seen, "writers in seen")


def _check_played_item(item: dict[str, Any], *, plain: bool) -> None:
    """Fields beyond those named are allowed, and copied as given."""
    if item.get("from") not in ("context", "queue"):
        raise InvalidEvent(f'item.from is {shown(item.get("from"))}, must be "context" or "queue"')
    _check_id(item.get("id"), "item.id")
    _check_id(item.get("track"), "item.track")
    duration_ms = item.get("duration_ms")
    if duration_ms is not None and (type(duration_ms) is not int or not 0 <= duration_ms <= SAFE_INTEGER_MAX):
        raise InvalidEvent(f"item.duration_ms is {shown(duration_ms)}, must be null or 0 to {SAFE_INTEGER_MAX}")
    if not plain:
        check_json(item, "item", depth=2)


def _started(data: PlaybackStarted, stream: str, *, plain: bool) -> None:
    if not plain:
        check_text(data.device, "device")
    _check_once(data.follows, "follows")
    _check_played_item(data.item, plain=plain)
    if not plain:
        check_json(data.context, "context", depth=2)


def _advanced(data: PlaybackAdvanced, stream: str, *, plain: bool) -> None:
    _check_played_item(data.item, plain=plain)


def _library_changed(data: LibraryChanged, stream: str, *, plain: bool) -> None:
    if not plain:
        check_text(data.set, "set")
    _check_count(data.ids, "ids")
    _check_once(data.ids, "ids")
    if not plain:
        for id_ in data.ids:
            check_text(id_, "ids")
    if data.set != "ratings" and not isinstance(data.value, bool):
        raise InvalidEvent(f"value is {data.value}, must be true or false outside the set ratings")


def _settings_changed(data: SettingsChanged, stream: str, *, plain: bool) -> None:
    _check_count(data, "settings")
    if not plain:
        check_json(data, "data", depth=1)


def _history_played(data: HistoryPlayed) -> None:
    check_text(data.play, "play")
    check_text(data.track, "track")
    check_json(data.reason, "reason", depth=2)
    check_json(data.context, "context", depth=2)


def _device_described(data: DeviceDescribed) -> None:
    check_text(data.device, "device")
    for field in ("name", "kind", "capabilities"):
        check_json(getattr(data, field), field, depth=2)


def _playlist_described(data: PlaylistDescribed) -> None:
    for field in ("name", "description", "image"):
        check_json(getattr(data, field), field, depth=2)


def _names_device(data: DeviceVolumeChanged | DeviceRevoked) -> None:
    check_text(data.device, "device")


def _names_episode(data: ProgressListened | ProgressMarked) -> None:
    check_text(data.episode, "episode")


def _names_play(data: HistoryRemoved) -> None:
    check_text(data.play, "play")


def _names_account(data: PlaylistMemberChanged) -> None:
    check_text(data.account, "account")


_RULES: dict[str, _Rule] = {
    "list.inserted": _inserted,
    "list.moved": _moved,
    "list.moved_back": _moved_back,
    "list.removed": _listed,
    "list.restored": _listed,
    "list.cleared": _cleared,
    "playback.started": _started,
    "playback.advanced": _advanced,
    "library.changed": _library_changed,
    "settings.changed": _settings_changed,
}
"""Kinds whose fields have something to do with each other, or with the stream."""
_TEXTS: dict[str, Callable[[Any], None]] = {
    "device.volume_changed": _names_device,
    "progress.listened": _names_episode,
    "progress.marked": _names_episode,
    "history.played": _history_played,
    "history.removed": _names_play,
    "device.described": _device_described,
    "device.revoked": _names_device,
    "playlist.described": _playlist_described,
    "playlist.member_changed": _names_account,
}
"""Kinds with texts or free JSON and nothing else to judge: nothing, where they are plain. Kinds in neither table
consist of numbers, flags and ids whose form their type states."""
