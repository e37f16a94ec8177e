"""The guards of the streams that somebody here needs, each loaded once however many connections ask.

That of an account's own stream is kept a while longer: its devices come back. Those of playlists are not, since who
owns one may change without a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

from syncd.clock import Clock
from syncd.gateway.guard import Guard
from syncd.gateway.lately import Lately
from syncd.gateway.questions import Questions
from syncd.gateway.tails import Tails
from syncd.log.port import EventLog
from syncd.push.hub import Hub
from syncd.store.port import Store


class Guards:
    """Guards by stream; each holds the tail of its stream's partition.

    Args:
        on_roles: called with a guard whose roles have changed.
        list_items_max: items of one list.
    """

    def __init__(
        self, event_log: EventLog, store: Store, questions: Questions, hub: Hub, tails: Tails, clock: Clock, *,
        on_roles: Callable[[Guard], None], list_items_max: int,
    ) -> None:  # fmt: skip
        self._log = event_log
        self._store = store
        self._questions = questions
        self._clock = clock
        self._hub = hub
        self._tails = tails
        self._on_roles = on_roles
        self._list_items_max = list_items_max
        self._guards: dict[str, Guard] = {}
        self._unused: Lately[str] = Lately(self._end)
        # Weak: a stream's lock lives as long as somebody loads or waits, and all of them share it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __getitem__(self, stream: str) -> Guard:
        """The guard of a stream that somebody uses."""
        return self._guards[stream]

    async def take(self, stream: str, user: object) -> Guard:
        """The rules of a stream, kept until the user gives them back. Raises `Unavailable`, and then none is taken."""
        guard = self._guards.get(stream)
        if guard is not None and (guard.users or self._unused.taken(stream, now_s=self._clock.monotonic_s())):
            guard.users.add(user)
            return guard
        lock = self._locks.setdefault(stream, asyncio.Lock())
        async with lock:
            guard = self._guards.get(stream)
            if guard is None:
                guard = self._guards[stream] = await self._load(stream)
            guard.users.add(user)
            return guard

    async def reload(self, stream: str) -> None:
        """The stream's cells were rebuilt: learn its rules anew, if somebody uses them. Raises `Unavailable`."""
        guard = self._guards.get(stream)
        if guard is not None:
            await guard.reload(self._log, self._store, self._questions, self._hub)

    def give_back(self, guard: Guard, user: object) -> None:
        """The end of one `take`."""
        guard.users.discard(user)
        if guard.users or self._guards.get(guard.stream) is not guard:
            return
        if guard.playlist:
            self._end(guard.stream)
        else:
            self._unused.left(guard.stream, now_s=self._clock.monotonic_s())

    def sweep(self, now_s: float) -> None:
        """Let go of those whose account's devices did not come back."""
        self._unused.sweep(now_s)

    def _end(self, stream: str) -> None:
        guard = self._guards.pop(stream)
        guard.close()
        self._hub.close_if_idle(guard.channel)
        self._tails.release(guard.channel.partition)

    async def _load(self, stream: str) -> Guard:
        partition = self._log.partition_of(stream)
        await self._tails.hold(partition)
        try:
            info = await self._questions.streams.answer(stream)
            channel = self._hub.open(
                stream, partition=partition, epoch=self._log.epoch(partition), generation=info.generation
            )
            try:
                guard = Guard(channel, owner=info.owner, on_roles=self._on_roles, list_items_max=self._list_items_max)
                await guard.load(self._log, self._store, self._questions, self._hub)
            except BaseException:
                self._hub.close_if_idle(channel)
                raise
        except BaseException:
            self._tails.release(partition)
            raise
        return guard
