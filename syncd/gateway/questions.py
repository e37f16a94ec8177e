"""What log and store are asked for each device that arrives: one question for all that arrive together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.accounts import Accounts
from syncd.gateway.together import Together
from syncd.log.port import EventLog
from syncd.store.port import Checkpoint, Store, WriterIdentity, WriterKnown

NOBODY_KNOWN = WriterKnown(account="", device="", nonce="")
"""What is known of a writer that nobody has registered."""


class Registration:
    """One wish for a writer id. Two for the same are two: one of them gets it."""

    __slots__ = ("identity",)

    def __init__(self, identity: WriterIdentity) -> None:
        self.identity = identity


class Questions:
    """Each is a `Together`.

    Attributes:
        logins: token -> who holds it, or why nobody may come in with it.
        ends: partition -> where the log ends.
        checkpoints: partition -> where the store stands.
        writers: writer -> what the store knows of it.
        registrations: a wish for a writer id -> whether it was free, and is remembered now.
        streams: stream -> owner and generation.
        slots: (stream, list) -> how many slots the list has by the projector's count.
    """

    def __init__(self, log: EventLog, store: Store, accounts: Accounts) -> None:
        self._log = log
        self._store = store
        self.logins = Together(accounts.logins)
        self.ends = Together(self._ends)
        self.checkpoints = Together(self._checkpoints)
        self.writers = Together(self._writers)
        self.registrations = Together(self._registrations)
        self.streams = Together(store.streams)
        self.slots = Together(store.slots)

    async def _ends(self, partitions: Sequence[int]) -> Mapping[int, int]:
        return {partition: await self._log.end(partition) for partition in partitions}

    async def _checkpoints(self, partitions: Sequence[int]) -> Mapping[int, Checkpoint]:
        return {partition: await self._store.checkpoint(partition) for partition in partitions}

    async def _writers(self, writers: Sequence[str]) -> Mapping[str, WriterKnown]:
        known = await self._store.writers(writers)
        return {writer: known.get(writer, NOBODY_KNOWN) for writer in writers}

    async def _registrations(self, wishes: Sequence[Registration]) -> Mapping[Registration, bool]:
        first: dict[str, Registration] = {}
        for wish in wishes:
            first.setdefault(wish.identity.writer, wish)
        free = await self._store.register_writers([wish.identity for wish in first.values()])
        return {wish: first[wish.identity.writer] is wish and wish.identity.writer in free for wish in wishes}
