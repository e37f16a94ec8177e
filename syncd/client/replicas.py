"""All streams of a device by name, and those who want to know when one of them shows something new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from syncd.client.change import Change
from syncd.client.replica import ChangedCells, Replica
from syncd.errors import InvalidEvent
from syncd.model.ids import is_stream
from syncd.protocol.client_session import OWN_STREAM
from syncd.protocol.messages import By

Watcher: TypeAlias = Callable[[Change], None]


class Replicas:
    """See the module's first line.

    Attributes:
        account: whose `a:me` is; None while the store has never been online.
    """

    def __init__(self) -> None:
        self.account: str | None = None
        self._by_stream: dict[str, Replica] = {}
        self._watchers: list[Watcher] = []

    def __iter__(self) -> Iterator[Replica]:
        return iter(list(self._by_stream.values()))

    def own_name(self, stream: str) -> str:
        """`a:me` for the stream of this store's own account, whatever it is called."""
        return OWN_STREAM if stream == f"a:{self.account}" else stream

    def get(self, stream: str) -> Replica:
        """The replica of a stream; an empty one where nothing is known yet.

        Raises:
            InvalidEvent: that is no stream.
        """
        stream = self.own_name(stream)
        replica = self._by_stream.get(stream)
        if replica is None:
            if not is_stream(stream):
                text = "a stream is a:me or p:<playlist, 16 characters or more>"
                raise InvalidEvent(f"{stream[:100]!r} is no stream; {text}")
            replica = self._by_stream[stream] = Replica(stream)
        return replica

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` with every change, in order, where it happens: be quick."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """End that. Twice is harmless."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def changed(self, stream: str, cells: ChangedCells, by: By | None = None) -> None:
        """Tell the watchers, if anything changed."""
        if cells:
            change = Change(stream, cells, by)
            for watcher in list(self._watchers):
                watcher(change)

    def exchange(self, replicas: dict[str, Replica]) -> None:
        """Take other replicas in the place of all, and tell what shows differently."""
        before, self._by_stream = self._by_stream, replicas
        for stream in before.keys() - replicas.keys():
            replicas[stream] = Replica(stream)
        for stream, replica in replicas.items():
            old = before[stream].shown if stream in before else {}
            differing = {key for key in {*old, *replica.shown} if old.get(key) != replica.shown.get(key)}
            self.changed(stream, {key: replica.shown.get(key) for key in differing})
