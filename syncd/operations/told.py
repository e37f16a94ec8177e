"""What an event did, in words for people: "put 3 items into the queue: t1, t2, t3"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from syncd.model import events as e
from syncd.model.canonical import canonical
from syncd.operations.moment import moment

NAMED_MAX: Final = 3
"""Items, or ids, that are named; of more, how many."""
PHRASES: Final = {"queue": "the queue", "items": "the list", "sidebar": "the sidebar"}


def told(kind: str, data: Any, names: Mapping[str, str]) -> str:
    """One event, past tense, without its subject.

    Args:
        data: of a decoded event: the struct of its kind, or plain JSON when this version does not know the kind.
        names: of devices, by their ids; one without a name is called by its id.
    """
    match data:
        case (
            e.ListInserted() | e.ListMoved() | e.ListMovedBack() | e.ListRemoved() | e.ListRestored() | e.ListCleared()
        ):
            return _list(data)
        case e.PlaybackModeChanged():
            return _mode(data)
        case e.LibraryChanged():
            return _library(data)
        case e.HistoryPlayed() | e.HistoryRemoved() | e.HistoryCleared():
            return _history(data)
        case e.ProgressListened(episode=episode, position_ms=position_ms, finished=finished):
            return f"listened to {episode} up to {clock(position_ms)}" + (", to its end" if finished else "")
        case e.ProgressMarked(episode=episode, played=played):
            return f"marked {episode} as {'played' if played else 'unplayed'}"
        case e.DeviceDescribed(device=device):
            return f"described device {device}: {_given(data, ('name', 'kind', 'capabilities'))}"
        case e.DeviceRevoked(device=device):
            return f"revoked {names.get(device, device)}"
        case e.DeviceVolumeChanged(device=device, volume_permille=volume):
            return f"set the volume of {names.get(device, device)} to {volume / 10:g} %"
        case e.PlaylistDescribed():
            fields = ("name", "description", "image", "public", "collaborative", "deleted")
            return f"described the playlist: {_given(data, fields)}"
        case e.PlaylistMemberChanged(account=account, role=role):
            return f"took account {account} off" if role is None else f"made account {account} its {role}"
    if kind == "settings.changed" and isinstance(data, dict):
        return "set " + _few([f"{key} = {_json(value)}" for key, value in data.items()])
    if kind == e.VOID and isinstance(data, dict):
        return f"was refused: {data.get('reason', 'invalid')} {data.get('message', '')}".rstrip()
    return _playback(kind, data, names)


def clock(duration_ms: int) -> str:
    """A position as players show it: 1:05, 1:00:05."""
    minutes, seconds = divmod(duration_ms // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _list(data: Any) -> str:
    where = PHRASES[data.list]
    match data:
        case e.ListInserted(items=items):
            return f"put {_count(items, 'item')} into {where}: {_few([_title(item) for item in items])}"
        case e.ListMoved(ids=ids):
            return f"moved {_count(ids, 'item')} in {where}: {_few(ids)}"
        case e.ListMovedBack(item=item):
            return f"took back a move of {item} in {where}"
        case e.ListRemoved(ids=ids):
            return f"took {_count(ids, 'item')} out of {where}: {_few(ids)}"
        case e.ListRestored(ids=ids):
            return f"put {_count(ids, 'item')} back into {where}: {_few(ids)}"
    return f"cleared {where}"


def _playback(kind: str, data: Any, names: Mapping[str, str]) -> str:
    match data:
        case e.PlaybackStarted(device=device, item=item, playing=playing, position_ms=position_ms, detached=detached):
            how = ("started" if playing else "loaded") + (" (without a connection)" if detached else "")
            return f"{how} {_title(item)} at {clock(position_ms)} on {names.get(device, device)}"
        case e.PlaybackAdvanced(item=item, automatic=automatic):
            return f"{'went on' if automatic else 'skipped'} to {_title(item)}"
        case e.PlaybackPaused():
            return "paused"
        case e.PlaybackResumed(position_ms=position_ms):
            return f"resumed at {clock(position_ms)}"
        case e.PlaybackSeeked(position_ms=position_ms, playing=playing):
            return f"jumped to {clock(position_ms)}" + ("" if playing else ", paused")
        case e.PlaybackSpeedChanged(speed_permille=speed, position_ms=position_ms):
            return f"set the speed to {speed / 1000:g} at {clock(position_ms)}"
        case e.PlaybackReported(position_ms=position_ms, buffering=buffering):
            return f"reported {clock(position_ms)}" + (", buffering" if buffering else "")
    return f"{kind}: {_json(data)}"


def _mode(data: e.PlaybackModeChanged) -> str:
    said = []
    if data.shuffle is not UNSET:
        said.append(f"shuffle {'on' if data.shuffle.on else 'off'}")
    if data.repeat is not UNSET:
        said.append(f"repeat {data.repeat}")
    if data.sleep_at_ms is not UNSET:
        said.append("no sleep timer" if data.sleep_at_ms is None else f"sleep at {moment(data.sleep_at_ms)}")
    return "set " + (", ".join(said) or "nothing")


def _library(data: e.LibraryChanged) -> str:
    if isinstance(data.value, bool):
        return f"{'put' if data.value else 'took'} {_few(data.ids)} {'into' if data.value else 'out of'} {data.set}"
    return f"gave {_few(data.ids)} {data.value} in {data.set}"


def _history(data: Any) -> str:
    match data:
        case e.HistoryPlayed(track=track, listened_ms=listened_ms, skipped=skipped):
            return f"heard {track} for {clock(listened_ms)}" + (", then skipped" if skipped else "")
        case e.HistoryRemoved(play=play):
            return f"took play {play} out of the history"
    return f"cleared the history before {moment(data.before_ms)}"


def _given(data: Any, fields: Sequence[str]) -> str:
    return ", ".join(
        f"{field} = {_json(value)}" for field in fields if (value := getattr(data, field)) is not UNSET
    )  # fmt: skip


def _title(item: Any) -> str:
    """What an item is called: its title or track, else all of it."""
    for field in ("title", "name", "track", "playlist"):
        if isinstance(item.get(field), str):
            return str(item[field])
    return _json(item)


def _few(names: Sequence[str]) -> str:
    rest = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {rest} more" if rest > 0 else "")


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def _json(value: Any) -> str:
    return canonical(value).decode()
