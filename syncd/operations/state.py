"""All that an account's devices show, as one JSON object. The shape is that of `/v1/state` (design.md section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import msgspec

from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord
from syncd.model.canonical import Json
from syncd.model.cells import Cells, digest, fold
from syncd.model.ids import AccountId, account_stream, is_stream
from syncd.model.order.blocks import ItemView
from syncd.model.views.access import access_of
from syncd.model.views.devices import devices_view
from syncd.model.views.history import history_view
from syncd.model.views.library import library_view
from syncd.model.views.lists import list_view, sidebar_view
from syncd.model.views.playback import playback_view
from syncd.model.views.playlist import playlist_view
from syncd.model.views.plays import consumed
from syncd.model.views.progress import progress_view
from syncd.model.views.settings import settings_view
from syncd.operations.advance import Advance, Count, quiet
from syncd.operations.refold import admitted_of, first_offset, group_pages, groups, written_by
from syncd.protocol.messages import PlaybackNow
from syncd.push.state import CurrentState, current_state
from syncd.store.port import StateReader

StateObject: TypeAlias = dict[str, Json]


async def account_state(
    log: EventLog, store: StateReader, account: str, now_ms: int, *, at_ms: int | None = None,
    born_ms: int | None = None, progress: Advance = quiet,
) -> StateObject:  # fmt: skip
    """Everything the account has, now or at an earlier moment.

    Args:
        account: its id. One that nobody has written to has empty views.
        now_ms: server time, for the position of what plays.
        at_ms: the state as it was then, refolded from the log: each stream up to its first record that was admitted
            later. Roles in playlists count as they were then, owners as they are now.
        born_ms: when the account was made, where that is known: its stream is not looked for before.
        progress: (records looked at, of all) of an earlier state.

    Raises:
        EpochChanged: the store was folded from another life of the log.
        OffsetExpired: `at_ms` was given and the log does not reach back to its beginning.
        LogUnavailable, StoreUnavailable: no answer.
    """
    own = account_stream(AccountId(account))
    if at_ms is None:
        mine = await current_state(log, store, own)
        playlists = [await current_state(log, store, stream) for stream in _playlists(mine.cells)]
    else:
        count = Count(progress)
        (mine,) = await _earlier_states(log, store, [own], at_ms, born_ms, count)
        playlists = await _earlier_states(log, store, _playlists(mine.cells), at_ms, None, count)
    known = await store.streams([state.stream for state in playlists])
    shown = [state for state in playlists if _shows(state, account, known[state.stream].owner)]
    return _state_object(mine, shown, now_ms if at_ms is None else at_ms)


async def _earlier_states(
    log: EventLog, store: StateReader, streams: Sequence[str], at_ms: int, since_ms: int | None, count: Count
) -> list[CurrentState]:
    """The cells of each stream before its first record that was admitted later than `at_ms`.

    Args:
        since_ms: nothing of them was admitted before.
    """
    known = await store.streams(streams)
    found: dict[str, CurrentState] = {}
    for group in groups(log, streams):
        partition = log.partition_of(group[0])
        offset, end = await first_offset(log, partition, since_ms), await log.end(partition)
        count.begin(end - offset)
        folds = {stream: _Fold() for stream in group}
        async for page in group_pages(log, group, offset, end):
            for record in page.records:
                folds[record.stream].take(record, at_ms)
            count.did(page.offset_next - offset)
            offset = page.offset_next
            if all(fold.ended for fold in folds.values()):
                count.did(end - offset)
                break
        for stream, past in folds.items():
            generation = known[stream].generation
            found[stream] = CurrentState(past.cells, partition, log.epoch(partition), past.offset, generation, stream)
    return [found[stream] for stream in streams]


@dataclass(slots=True)
class _Fold:
    """A stream up to a moment. `offset`: behind its last record before that."""

    cells: Cells = field(default_factory=dict)
    offset: int = 0
    ended: bool = False

    def take(self, record: LoggedRecord, at_ms: int) -> None:
        """The stream's next record."""
        admitted = admitted_of(record)
        self.ended = self.ended or (admitted is not None and admitted.admitted_ms > at_ms)
        if not self.ended:
            fold(self.cells, written_by(admitted))
            self.offset = record.offset + 1


def _playlists(cells: Cells) -> list[str]:
    """The account's playlists, in the order of its sidebar."""
    return [stream for stream in (f"p:{playlist}" for playlist in sidebar_view(cells)) if is_stream(stream)]


def _shows(state: CurrentState, account: str, owner: str | None) -> bool:
    """Whether the account's devices show a playlist: not a deleted one, nor one that it may no longer read."""
    may_read = owner is None or access_of(state.cells, account, owner).may_subscribe()
    return may_read and not playlist_view(state.cells).deleted


def _state_object(mine: CurrentState, playlists: Sequence[CurrentState], now_ms: int) -> StateObject:
    cells = mine.cells
    streams = [mine, *playlists]
    return {
        "playback": _playback(cells, now_ms),
        "queue": _entries(list_view(cells, "queue", consumed=consumed(cells))),
        "playlists": [_playlist(state) for state in playlists],
        "library": cast(Json, library_view(cells)),
        "settings": cast(Json, settings_view(cells)),
        "progress": _plain(progress_view(cells)),
        "history": _plain(history_view(cells)),
        "devices": _plain(devices_view(cells)),
        "cursors": {state.stream: state.cursor for state in streams},
        "digests": {state.stream: digest(state.cells) for state in streams},
    }


def _playback(cells: Cells, now_ms: int) -> Json:
    """What plays, with the fields that the wire's `view` message has."""
    playback = playback_view(cells, now_ms)
    if playback is None:
        return None
    fields = PlaybackNow.__struct_fields__
    return _plain({field: getattr(playback, field) for field in fields})


def _playlist(state: CurrentState) -> Json:
    name = playlist_view(state.cells).name
    return {"stream": state.stream, "name": name, "items": _entries(list_view(state.cells, "items"))}


def _entries(entries: Sequence[ItemView]) -> list[Json]:
    return [{"id": entry.id, "track": entry.item.get("track")} for entry in entries]


def _plain(value: object) -> Json:
    """Views as dicts and lists."""
    return cast(Json, msgspec.to_builtins(value))
