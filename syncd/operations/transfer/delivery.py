"""Bringing lines into a deployment: identities first, then the records that its log lacks, appended at its end.

What must not happen is a fork: a writer that went on in two places under one id. Both then hold an event of one seq
with different content, and whichever came second would be dropped in silence. The last event that both hold is
compared, and any difference refuses the delivery before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from syncd.accounts import Account, Device
from syncd.errors import Conflict, NotFound
from syncd.log.port import SearchableLog
from syncd.log.record import check_named
from syncd.operations.advance import Advance, quiet
from syncd.operations.transfer.appending import Appending, Last, hash_of
from syncd.operations.transfer.gather import Place
from syncd.operations.transfer.lines import AccountLine, Content, DeviceLine, RecordLine, StreamLine, WriterLine
from syncd.operations.transfer.spilled import Key, Spilled
from syncd.store.port import WriterIdentity

CONFLICTS_TOLD_MAX: Final = 20


@dataclass(slots=True)
class Delivered:
    """What a delivery did: `known` records were there already."""

    accounts: int = 0
    devices: int = 0
    playlists: int = 0
    writers: int = 0
    appended: int = 0
    known: int = 0


@dataclass(slots=True)
class Delivery:
    """One delivery into `place`: `prepare`, then `check` with all lines, then `take` them one by one, then `finish`;
    `close` it in the end."""

    place: Place
    delivered: Delivered = field(default_factory=Delivered)
    _account: Account | None = None
    _devices: list[Device] = field(default_factory=list)
    _appending: Appending = field(init=False)

    def __post_init__(self) -> None:
        self._appending = Appending(self.place.log)

    async def prepare(self, streams: set[str] | None, *, progress: Advance = quiet) -> None:
        """Learn what the log holds of these streams; of all when None."""
        await self._appending.prepare(streams, progress=progress)

    async def check(self, lines: Iterable[Content]) -> None:
        """Raise `Conflict` with everything that stands against taking these lines; nothing is written.

        Raises `Undecodable` when a record names no stream or no writer.
        """
        against: list[str] = []
        with closing(Spilled(Last)) as here:
            for line in lines:
                against += await self._against(line, here)
                if len(against) >= CONFLICTS_TOLD_MAX:
                    break
            else:
                against += await self._check_shorter(here)
        if against:
            raise Conflict("nothing was written, because: " + "; ".join(dict.fromkeys(against)))

    async def check_line(self, line: Content) -> None:
        """As `check`, of one line by itself: where the log has gone further, a fork is met when its last event is."""
        if against := await self._against(line, Spilled(Last)):
            raise Conflict(against[0])

    async def take(self, line: Content) -> None:
        """Take one line in; records gather until a group of them is appended.

        Raises:
            Conflict: somebody else was quicker since `check`.
            LogUnavailable, AppendUnknown, StoreUnavailable: a part is delivered; deliver again.
        """
        match line:
            case AccountLine():
                await self._adopt()
                self._account = Account(line.account, line.name, line.created_ms)
            case DeviceLine():
                self._devices.append(Device(line.device, line.account, line.name, line.linked_ms, line.revoked_ms))
            case StreamLine():
                owner = (await self.place.store.claim_stream(line.stream, owner=line.owner)).owner
                if owner != line.owner:
                    raise Conflict(f"playlist {line.stream} belongs to account {owner} by now")
                self.delivered.playlists += 1
            case WriterLine():
                identity = WriterIdentity(line.writer, line.account, line.device, line.nonce)
                self.delivered.writers += len(await self.place.store.register_writers([identity]))
            case RecordLine():
                await self._adopt()
                await self._appending.append(line.record)

    async def finish(self) -> Delivered:
        """Bring what is gathered, and say what was done. Raises as `take`."""
        await self._adopt()
        await self._appending.flush()
        self.delivered.appended, self.delivered.known = self._appending.appended, self._appending.known
        return self.delivered

    def close(self) -> None:
        """Let go of what was learned."""
        self._appending.close()

    # --- what stands against it ---

    async def _against(self, line: Content, here: Spilled[Last]) -> list[str]:
        if isinstance(line, RecordLine):
            return self._check_record(line, here)
        return await self._check_identity(line)

    def _check_record(self, line: RecordLine, here: Spilled[Last]) -> list[str]:
        check_named(line.record)
        key = (line.stream, line.writer)
        last, there = here.get(key), self._appending.last(key)
        if last is not None and line.seq <= last.seq:
            return []
        here[key] = last = Last(line.seq, hash_of(line.record.body))
        if there is not None and there.seq == last.seq and there.hashed != last.hashed:
            return [_forked(key, line.seq)]
        return []

    async def _check_shorter(self, here: Spilled[Last]) -> list[str]:
        """Where the log has gone further than the lines, their last event is looked up."""
        against: list[str] = []
        log = self.place.log
        for key, last in here.items():
            there = self._appending.last(key)
            if there is None or there.seq <= last.seq or not isinstance(log, SearchableLog):
                continue
            found = await log.find(key[0], key[1], last.seq)
            if found is not None and hash_of(found.body) != last.hashed:
                against.append(_forked(key, last.seq))
        return against[:CONFLICTS_TOLD_MAX]

    async def _check_identity(self, line: Content) -> list[str]:
        store, accounts = self.place.store, self.place.accounts
        match line:
            case AccountLine():
                for asked in (line.account, line.name):
                    try:
                        found = await accounts.find(asked)
                    except NotFound:
                        continue
                    if found.account == line.account:
                        return []
                    return [f"the name {line.name!r} is account {found.account}'s here, not {line.account}'s"]
            case StreamLine():
                owner = (await store.streams([line.stream]))[line.stream].owner
                if owner not in (None, line.owner):
                    return [f"playlist {line.stream} belongs to account {owner} here, not to {line.owner}"]
            case WriterLine():
                known = (await store.writers([line.writer])).get(line.writer)
                if known is not None and (known.account, known.device) != (line.account, line.device):
                    return [f"writer {line.writer} is device {known.device}'s here, not {line.device}'s"]
        return []

    # --- doing it ---

    async def _adopt(self) -> None:
        if self._account is not None:
            await self.place.accounts.adopt(self._account, self._devices)
            self.delivered.accounts += 1
            self.delivered.devices += len(self._devices)
        self._account, self._devices = None, []


def _forked(key: Key, seq: int) -> str:
    return f"event {key[1]}.{seq} of {key[0]} is another one here: its writer went on in both places"
