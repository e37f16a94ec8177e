"""Bringing lines into a deployment: identities first, then the records that its log lacks, appended at its end.

Events keep their ids, and an id that the log holds already is not appended again. That makes a delivery resumable by
doing it again, and a second one changes nothing. (An event may have been admitted twice, with two times; then both
records count, and are told apart by their bodies.)

What must not happen is a fork: a writer that went on in two places under one id. Both then hold an event of one seq
with different content, and whichever came second would be dropped in silence. The last event that both hold is
compared, and any difference refuses the delivery before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeAlias

from syncd.accounts import Account, Device
from syncd.errors import AppendUnknown, Conflict, LogUnavailable, NotFound, Undecodable
from syncd.limits import APPEND_BYTES_MAX
from syncd.log.port import SearchableLog
from syncd.log.record import Record
from syncd.model.ids import is_stream
from syncd.operations.advance import Advance
from syncd.operations.transfer.gather import Place, records
from syncd.operations.transfer.lines import AccountLine, Content, DeviceLine, RecordLine, StreamLine, WriterLine
from syncd.operations.transfer.seqs import Seqs

GROUP_RECORDS: Final = 500
"""Records in one append: large enough to be quick, small enough that live appends need not wait for it."""
APPEND_ATTEMPTS: Final = 5
"""An append whose outcome is unknown is made again: joining a record twice changes nothing."""
CONFLICTS_TOLD_MAX: Final = 20

_Key: TypeAlias = tuple[str, str]
"""(stream, writer)"""


@dataclass(slots=True)
class Delivered:
    """What a delivery did: `known` records were there already."""

    accounts: int = 0
    devices: int = 0
    playlists: int = 0
    writers: int = 0
    appended: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class _Last:
    """The largest seq seen, and a hash of its body."""

    seq: int
    body: bytes


@dataclass(slots=True)
class Delivery:
    """One delivery into `place`: `prepare`, then `check` with all lines, then `take` them one by one, then `finish`."""

    place: Place
    delivered: Delivered = field(default_factory=Delivered)
    _seen: dict[_Key, Seqs] = field(default_factory=dict)
    _last: dict[_Key, _Last] = field(default_factory=dict)
    _again: set[tuple[_Key, int, bytes]] = field(default_factory=set)
    """Records of the log under an id that it held already."""
    _taken: dict[_Key, Seqs] = field(default_factory=dict)
    _account: Account | None = None
    _devices: list[Device] = field(default_factory=list)
    _group: list[Record] = field(default_factory=list)
    _group_bytes: int = 0

    async def prepare(self, streams: set[str] | None, *, progress: Advance) -> None:
        """Learn what the log holds of these streams; of all when None."""
        log = self.place.log
        touched = range(log.partitions) if streams is None else {log.partition_of(stream) for stream in streams}
        ends = {partition: await log.end(partition) for partition in touched}
        starts = {partition: await log.start(partition) for partition in touched}
        async for record in records(log, streams, starts, ends, progress=progress):
            self._learn((record.stream, record.writer), record.seq, record.body)

    async def check(self, lines: Iterable[Content]) -> None:
        """Raise `Conflict` with everything that stands against taking these lines; nothing is written."""
        against: list[str] = []
        here: dict[_Key, _Last] = {}
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
        if against := await self._against(line, {}):
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
                who = {"account": line.account, "device": line.device, "nonce": line.nonce}
                self.delivered.writers += await self.place.store.register_writer(line.writer, **who)
            case RecordLine():
                await self._adopt()
                await self._append(line)

    async def finish(self) -> Delivered:
        """Bring what is gathered, and say what was done. Raises as `take`."""
        await self._adopt()
        await self._flush()
        return self.delivered

    # --- what stands against it ---

    async def _against(self, line: Content, here: dict[_Key, _Last]) -> list[str]:
        if isinstance(line, RecordLine):
            return self._check_record(line, here)
        return await self._check_identity(line)

    def _check_record(self, line: RecordLine, here: dict[_Key, _Last]) -> list[str]:
        if not is_stream(line.stream) or line.seq < 1 or not line.writer or not line.kind:
            raise Undecodable(f"a record of stream {line.stream!r}, writer {line.writer!r}, seq {line.seq} is none")
        key = (line.stream, line.writer)
        last, there = here.get(key), self._last.get(key)
        if last is not None and line.seq <= last.seq:
            return []
        here[key] = _Last(line.seq, _hash(line.record.body))
        if there is not None and there.seq == line.seq and there.body != here[key].body:
            return [_forked(key, line.seq)]
        return []

    async def _check_shorter(self, here: dict[_Key, _Last]) -> list[str]:
        """Where the log has gone further than the lines, their last event is looked up."""
        against: list[str] = []
        log = self.place.log
        for key, last in here.items():
            there = self._last.get(key)
            if there is None or there.seq <= last.seq or not isinstance(log, SearchableLog):
                continue
            found = await log.find(key[0], key[1], last.seq)
            if found is not None and _hash(found.body) != last.body:
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

    async def _append(self, line: RecordLine) -> None:
        record = line.record
        if self._is_known((line.stream, line.writer), line.seq, record.body):
            self.delivered.known += 1
            return
        if self._group and (
            len(self._group) == GROUP_RECORDS or self._group_bytes + len(record.body) > APPEND_BYTES_MAX
        ):
            await self._flush()
        self._group.append(record)
        self._group_bytes += len(record.body)

    def _is_known(self, key: _Key, seq: int, body: bytes) -> bool:
        if self._taken.setdefault(key, Seqs()).add(seq):
            return seq in self._seen.get(key, ())
        return (key, seq, _hash(body)) in self._again

    async def _flush(self) -> None:
        rest = self._group
        for _ in range(APPEND_ATTEMPTS):
            if not rest:
                break
            outcomes = await self.place.log.append(rest)
            refused = next((one.reason for one in outcomes if one.outcome == "refused"), None)
            if refused is not None:
                raise LogUnavailable(f"the log refuses records: {refused}; what is there stays, do it again later")
            rest = [record for one in outcomes if one.outcome == "unknown" for record in one.records]
        if rest:
            raise AppendUnknown(f"nobody knows whether {len(rest)} records were written; do it again later")
        self.delivered.appended += len(self._group)
        self._group, self._group_bytes = [], 0

    def _learn(self, key: _Key, seq: int, body: bytes) -> None:
        hashed = _hash(body)
        if not self._seen.setdefault(key, Seqs()).add(seq):
            self._again.add((key, seq, hashed))
        elif key not in self._last or seq > self._last[key].seq:
            self._last[key] = _Last(seq, hashed)


def _hash(body: bytes) -> bytes:
    return sha256(body).digest()[:8]


def _forked(key: _Key, seq: int) -> str:
    return f"event {key[1]}.{seq} of {key[0]} is another one here: its writer went on in both places"
