"""New names for what a store has pending, when the server hands it another writer.

A store that was restored from a backup, or that has never been online, must not use numbers that may be taken. So its
pending events are counted again from 1 under the fresh writer, and everything that names one of them is rewritten:
slots and items (`writer.seq.k`), plays and epochs (`writer.seq`), what a clear has seen, and the stamps in `answers`
and `through`. A device that did not know its own id yet learns it in the same step. Pure. Source: merge.md section 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from syncd.model.events import (
    DeviceDescribed,
    DeviceVolumeChanged,
    HistoryPlayed,
    HistoryRemoved,
    ListCleared,
    ListInserted,
    ListMoved,
    ListMovedBack,
    ListRemoved,
    ListRestored,
    PlaybackAdvanced,
    PlaybackPaused,
    PlaybackReported,
    PlaybackResumed,
    PlaybackSeeked,
    PlaybackSpeedChanged,
    PlaybackStarted,
    ProgressListened,
)
from syncd.model.ids import event_id, is_playlist
from syncd.model.restamp import Pending
from syncd.model.stamp import stamp


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a store writes as."""

    writer: str
    device: str


def renumber(pending: Sequence[Pending], *, old: Identity, new: Identity) -> list[Pending]:
    """The same events under the new writer, counted from 1 on each stream, in the same order.

    Where only the device is another, they keep their numbers.

    Args:
        pending: all pending events of the old writer, in the order they were made; per stream their seqs rise.
    """
    seqs: dict[str, dict[int, int]] = {}
    for event in pending:
        of_stream = seqs.setdefault(event.stream, {})
        of_stream[event.seq] = event.seq if old.writer == new.writer else len(of_stream) + 1
    stamps = {stamp(event.t, old.writer): stamp(event.t, new.writer) for event in pending}
    playlists = [of_stream for stream, of_stream in seqs.items() if is_playlist(stream)]
    names = {stream: _Names(old, new, of_stream, playlists, stamps) for stream, of_stream in seqs.items()}
    return [
        replace(event, seq=seqs[event.stream][event.seq], data=_rewritten(event, names[event.stream]))
        for event in pending
    ]


def _rewritten(event: Pending, names: _Names) -> Any:
    rewrite = _REWRITES.get(event.kind)
    return event.data if rewrite is None else rewrite(event.data, names)


@dataclass(frozen=True, slots=True)
class _Names:
    """Old name -> new name, as seen from one stream. Names of anything that is not pending stay as they are.

    Attributes:
        seqs: old seq -> new seq of what is pending on the stream.
        playlists: the same of every playlist.
        stamps: old stamp -> new stamp.
    """

    old: Identity
    new: Identity
    seqs: Mapping[int, int]
    playlists: Sequence[Mapping[int, int]]
    stamps: Mapping[str, str]

    def event(self, id_: str, seqs: Mapping[int, int] | None = None) -> str:
        """Of an event, play or epoch; `seqs` of another stream where it lives there."""
        writer, _, seq = id_.partition(".")
        if writer != self.old.writer or not seq.isdecimal():
            return id_
        fresh = (self.seqs if seqs is None else seqs).get(int(seq))
        return id_ if fresh is None else event_id(self.new.writer, fresh)

    def item(self, id_: str, seqs: Mapping[int, int] | None = None) -> str:
        """Of a slot or item."""
        event, dot, k = id_.rpartition(".")
        return f"{self.event(event, seqs)}{dot}{k}"

    def items(self, ids: Sequence[str]) -> list[str]:
        return [self.item(id_) for id_ in ids]

    def slot(self, id_: str | None) -> str | None:
        return None if id_ is None else self.item(id_)

    def played(self, item: dict[str, Any]) -> dict[str, Any]:
        """Of what a play names: an entry of the queue, or of a playlist, which is another stream with its own seqs."""
        id_ = item.get("id")
        if not isinstance(id_, str):
            return item
        if item.get("from") == "queue":
            return {**item, "id": self.item(id_)}
        renamed = (self.item(id_, seqs) for seqs in self.playlists)
        return {**item, "id": next((name for name in renamed if name != id_), id_)}

    def seen(self, seen: Mapping[str, int]) -> dict[str, int]:
        """Of what a clear has seen of the old writer: what is acknowledged keeps its name, what is pending moves."""
        rewritten = dict(seen)
        last = rewritten.get(self.old.writer, 0)
        covered = [seq for seq in self.seqs if seq <= last]
        if covered:
            del rewritten[self.old.writer]
            if min(covered) > 1:
                rewritten[self.old.writer] = min(covered) - 1
            rewritten[self.new.writer] = self.seqs[max(covered)]
        return rewritten

    def rank(self, rank: str) -> str:
        return self.stamps.get(rank, rank)

    def device(self, device: str) -> str:
        return self.new.device if device == self.old.device else device

    def setting(self, key: str) -> str:
        """Of a key that may be device-scoped (`<device>/<key>`)."""
        device, slash, rest = key.partition("/")
        return f"{self.device(device)}/{rest}" if slash else key


def _inserted(data: ListInserted, names: _Names) -> ListInserted:
    return replace(data, parent=names.slot(data.parent))


def _moved(data: ListMoved, names: _Names) -> ListMoved:
    return replace(data, parent=names.slot(data.parent), ids=names.items(data.ids))


def _moved_back(data: ListMovedBack, names: _Names) -> ListMovedBack:
    return replace(data, item=names.item(data.item), slot=names.item(data.slot))


def _listed(data: ListRemoved | ListRestored, names: _Names) -> ListRemoved | ListRestored:
    return replace(data, ids=names.items(data.ids))


def _cleared(data: ListCleared, names: _Names) -> ListCleared:
    return replace(data, seen=names.seen(data.seen))


def _started(data: PlaybackStarted, names: _Names) -> PlaybackStarted:
    follows = [names.event(play) for play in data.follows]
    return replace(data, device=names.device(data.device), follows=follows, item=names.played(data.item))


def _advanced(data: PlaybackAdvanced, names: _Names) -> PlaybackAdvanced:
    follows = [names.event(play) for play in data.follows]
    return replace(data, epoch=names.event(data.epoch), follows=follows, item=names.played(data.item))


def _in_epoch(data: PlaybackPaused, names: _Names) -> PlaybackPaused:
    return replace(data, epoch=names.event(data.epoch))


def _in_play(data: PlaybackSeeked, names: _Names) -> PlaybackSeeked:
    return replace(data, play=names.event(data.play))


def _in_both(data: PlaybackResumed | PlaybackSpeedChanged, names: _Names) -> PlaybackResumed | PlaybackSpeedChanged:
    return replace(data, epoch=names.event(data.epoch), play=names.event(data.play))


def _reported(data: PlaybackReported, names: _Names) -> PlaybackReported:
    return replace(data, play=names.event(data.play), answers=[names.rank(rank) for rank in data.answers])


def _listened(data: ProgressListened, names: _Names) -> ProgressListened:
    return replace(data, through=names.rank(data.through))


def _in_history(data: HistoryPlayed | HistoryRemoved, names: _Names) -> HistoryPlayed | HistoryRemoved:
    return replace(data, play=names.event(data.play))


def _of_device(data: DeviceVolumeChanged | DeviceDescribed, names: _Names) -> DeviceVolumeChanged | DeviceDescribed:
    return replace(data, device=names.device(data.device))


def _settings(data: dict[str, Any], names: _Names) -> dict[str, Any]:
    return {names.setting(key): value for key, value in data.items()}


_REWRITES: dict[str, Callable[[Any, _Names], Any]] = {
    "list.inserted": _inserted,
    "list.moved": _moved,
    "list.moved_back": _moved_back,
    "list.removed": _listed,
    "list.restored": _listed,
    "list.cleared": _cleared,
    "playback.started": _started,
    "playback.advanced": _advanced,
    "playback.paused": _in_epoch,
    "playback.resumed": _in_both,
    "playback.seeked": _in_play,
    "playback.speed_changed": _in_both,
    "playback.reported": _reported,
    "progress.listened": _listened,
    "history.played": _in_history,
    "history.removed": _in_history,
    "device.volume_changed": _of_device,
    "device.described": _of_device,
    "settings.changed": _settings,
}
"""Kinds that are not here name nothing that could be pending."""
