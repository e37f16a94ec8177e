"""The guards of the streams that somebody here needs, each loaded once however many connections ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

from syncd.gateway.guard import Guard
from syncd.gateway.tails import Tails
from syncd.log.port import EventLog
from syncd.push.hub import Hub
from syncd.store.port import Store


class Guards:
    """Guards by stream; each holds the tail of its stream's partition, and goes with its last user.

    Args:
        on_roles: called with a guard whose roles have changed.
        list_items_max: items of one list.
    """

    def __init__(
        self, event_log: EventLog, store: Store, hub: Hub, tails: Tails, *, on_roles: Callable[[Guard], None],
        list_items_max: int,
    ) -> None:  # fmt: skip
        self._log = event_log
        self._store = store
        self._hub = hub
        self._tails = tails
        self._on_roles = on_roles
        self._list_items_max = list_items_max
        self._guards: dict[str, Guard] = {}
        # Weak: a stream's lock lives as long as somebody loads or waits, and all of them share it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __getitem__(self, stream: str) -> Guard:
        """The guard of a stream that somebody uses."""
        return self._guards[stream]

    async def take(self, stream: str, user: object) -> Guard:
        """The rules of a stream, kept until the user gives them back. Raises `Unavailable`, and then none is taken."""
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
            await guard.reload(self._log, self._store, self._hub)

    def give_back(self, guard: Guard, user: object) -> None:
        """The end of one `take`."""
        guard.users.discard(user)
        if not guard.users and self._guards.get(guard.stream) is guard:
            guard.close()
            del self._guards[guard.stream]
            self._hub.close_if_idle(guard.channel)
            self._tails.release(guard.channel.partition)

    async def _load(self, stream: str) -> Guard:
        partition = self._log.partition_of(stream)
        await self._tails.hold(partition)
        try:
            info = (await self._store.streams([stream]))[stream]
            channel = self._hub.open(
                stream, partition=partition, epoch=self._log.epoch(partition), generation=info.generation
            )
            try:
                guard = Guard(channel, owner=info.owner, on_roles=self._on_roles, list_items_max=self._list_items_max)
                await guard.load(self._log, self._store, self._hub)
            except BaseException:
                self._hub.close_if_idle(channel)
                raise
        except BaseException:
            self._tails.release(partition)
            raise
        return guard
