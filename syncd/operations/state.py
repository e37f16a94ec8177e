"""All that an account's devices show, as one JSON object. The shape is that of `/v1/state` (design.md section 7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, cast

import msgspec

from syncd.log.port import EventLog
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
from syncd.operations.refold import admitted_of, stream_pages, written_by
from syncd.protocol.messages import PlaybackNow
from syncd.push.state import CurrentState, current_state
from syncd.store.port import StateReader

StateObject: TypeAlias = dict[str, Json]
ReadStream: TypeAlias = Callable[[str], Awaitable[CurrentState]]


async def account_state(
    log: EventLog, store: StateReader, account: str, now_ms: int, *, at_ms: int | None = None
) -> StateObject:
    """Everything the account has, now or at an earlier moment.

    Args:
        account: its id. One that nobody has written to has empty views.
        now_ms: server time, for the position of what plays.
        at_ms: the state as it was then, refolded from the log: each stream up to its first record that was admitted
            later. Roles in playlists count as they were then, owners as they are now.

    Raises:
        EpochChanged: the store was folded from another life of the log.
        OffsetExpired: `at_ms` was given and the log does not reach back to its beginning.
        LogUnavailable, StoreUnavailable: no answer.
    """
    read = _reader(log, store, at_ms)
    mine = await read(account_stream(AccountId(account)))
    playlists = await _playlists(store, account, mine.cells, read)
    return _state_object(mine, playlists, now_ms if at_ms is None else at_ms)


def _reader(log: EventLog, store: StateReader, at_ms: int | None) -> ReadStream:
    if at_ms is None:
        return lambda stream: current_state(log, store, stream)
    moment_ms = at_ms
    return lambda stream: _earlier_state(log, store, stream, moment_ms)


async def _earlier_state(log: EventLog, store: StateReader, stream: str, at_ms: int) -> CurrentState:
    """The cells of a stream before its first record that was admitted later than `at_ms`."""
    partition = log.partition_of(stream)
    generation = (await store.streams([stream]))[stream].generation
    cells: Cells = {}
    offset = 0
    async for page in stream_pages(log, stream):
        for record in page:
            admitted = admitted_of(record)
            if admitted is not None and admitted.admitted_ms > at_ms:
                return CurrentState(cells, partition, log.epoch(partition), offset, generation, stream)
            fold(cells, written_by(admitted))
            offset = record.offset + 1
    return CurrentState(cells, partition, log.epoch(partition), offset, generation, stream)


async def _playlists(store: StateReader, account: str, cells: Cells, read: ReadStream) -> list[CurrentState]:
    """The account's playlists that show, in the order of its sidebar.

    Deleted ones are hidden, and those it may no longer read. One that nobody has written to yet shows, empty.
    """
    streams = [f"p:{playlist}" for playlist in sidebar_view(cells)]
    streams = [stream for stream in streams if is_stream(stream)]
    known = await store.streams(streams)
    states = [await read(stream) for stream in streams]
    return [state for state in states if _shows(state, account, known[state.stream].owner)]


def _shows(state: CurrentState, account: str, owner: str | None) -> bool:
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
