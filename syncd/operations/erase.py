"""Forgetting an account for good.

Its devices are revoked first, so that nothing more comes from them. Then its records are overwritten where they stand
(offsets stay without gaps, and everybody else's cursors stay good), its cells go, and at last its login. What an
earlier try has done is done again without harm, so an erasure that was interrupted is completed by doing it again.

What it put into other people's playlists stays in them, since these are theirs and hang on its slots; that it was this
account that did so goes. Its own playlists go with it, or to a member who keeps them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from syncd.accounts import Account, Accounts
from syncd.clock import Clock
from syncd.errors import StoreUnavailable
from syncd.log.port import EventLog, RewritableLog
from syncd.log.record import LoggedRecord
from syncd.model.cells import Cells
from syncd.model.events import ERASED, PlaylistDescribed, PlaylistMemberChanged
from syncd.model.ids import AccountId, account_stream, from_key_part
from syncd.model.upcast import SCHEMA_VERSION
from syncd.operations.advance import Advance, quiet
from syncd.operations.devices import REVOKED_TOPIC, append_event
from syncd.operations.refold import stream_pages
from syncd.operations.transfer.reading import records
from syncd.push.state import current_state
from syncd.store.port import Lease, SideChannel, Store

ERASED_WRITER: Final = "erased0000"
ERASED_BODY: Final = b'{"t":0,"data":null,"account":"","device":"","admitted_ms":0}'
CLOSE_S: Final = 5.0
"""How long a socket of a revoked device may stay open; what came through it until then is erased after it."""
FOLD_S: Final = 10.0
"""How long to wait for a projector to pass the records that were overwritten."""
HOLD_S: Final = 30.0
"""How long to keep projectors away at most; deleting takes a fraction of it."""
FOLD_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist of the account. `members`: others who have a role in it, editors first."""

    stream: str
    name: str | None
    members: Sequence[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an erasure would do.

    Attributes:
        playlists: those that go.
        handed_over: playlist -> the member who will own it.
        contributions: streams of others that it has written to.
        log_remains: whether the log keeps the records, because it cannot be rewritten.
    """

    account: Account
    devices: Sequence[str]
    playlists: Sequence[Playlist]
    handed_over: dict[str, str]
    contributions: Sequence[str]
    log_remains: bool


@dataclass(slots=True)
class Erased:
    """What an erasure did."""

    records: int = 0
    cells: int = 0
    records_made_nobody_s: int = 0


@dataclass(frozen=True, slots=True)
class Eraser:
    """Forgets accounts of one deployment."""

    log: EventLog
    store: Store
    accounts: Accounts
    side_channel: SideChannel
    clock: Clock

    async def plan(self, account: Account, *, hand_over: bool) -> Plan:
        """What would be done; changes nothing.

        Args:
            hand_over: whether playlists that others are members of go to one of them, instead of being erased.

        Raises:
            EpochChanged, LogUnavailable, StoreUnavailable: no answer.
        """
        owned = [await self._playlist(stream, account) for stream in await self.store.streams_owned(account.account)]
        heirs = {playlist.stream: playlist.members[0] for playlist in owned if hand_over and playlist.members}
        mine = {account_stream(AccountId(account.account)), *(one.stream for one in owned)} - heirs.keys()
        written_to = await self._written_to(account.account)
        return Plan(
            account=account,
            devices=[device.device for device in await self.accounts.devices(account.account)],
            playlists=[one for one in owned if one.stream not in heirs],
            handed_over=heirs,
            contributions=sorted((written_to | heirs.keys()) - mine),
            log_remains=not isinstance(self.log, RewritableLog),
        )

    async def erase(self, plan: Plan, *, close_s: float | None = None, progress: Advance = quiet) -> Erased:
        """Do what the plan says.

        Args:
            close_s: how long to wait for sockets to close; `CLOSE_S` when None.
            progress: (streams done, of all).

        Raises:
            LogUnavailable, AppendUnknown, StoreUnavailable: a part is done; the account is still there to do it again.
        """
        account = plan.account.account
        for device in plan.devices:
            await self.accounts.revoke(device)
            await self.side_channel.publish(REVOKED_TOPIC, device)
        for stream, heir in plan.handed_over.items():
            await self.store.give_stream(stream, owner=heir)
        for playlist in plan.playlists:
            await self._close_playlist(playlist, account)
        if plan.devices:
            await asyncio.sleep(CLOSE_S if close_s is None else close_s)
        own = [account_stream(AccountId(account)), *(one.stream for one in plan.playlists)]
        others = sorted((await self._written_to(account) | {*plan.contributions}) - {*own})
        done = Erased()
        for number, stream in enumerate([*own, *others]):
            progress(number, len(own) + len(others))
            if stream in own:
                done.records += await self._rewrite(stream, _erased)
            else:
                done.records_made_nobody_s += await self._rewrite(stream, partial(_nobody_s, account=account))
        async with self._nothing_under_way({self.log.partition_of(stream) for stream in own}):
            for stream in own:
                done.cells += await self.store.erase_stream(stream)
        await self.store.erase_writers(account)
        await self.accounts.erase(account)
        return done

    async def _written_to(self, account: str) -> set[str]:
        """The streams that the account's writers have written to: those that the store knows, and in the log's tail."""
        writers = [row.writer for row in await self.store.writers_of(account)]
        known = await self.store.writers(writers)
        streams = {stream for writer in known.values() for stream in writer.progress}
        ends = {partition: await self.log.end(partition) for partition in range(self.log.partitions)}
        starts = {
            partition: min(end, (await self.store.checkpoint(partition)).offset_next) for partition, end in ends.items()
        }
        async for record in records(self.log, None, starts, ends):
            if record.writer in writers:
                streams.add(record.stream)
        return streams

    # --- playlists ---

    async def _playlist(self, stream: str, account: Account) -> Playlist:
        cells = (await current_state(self.log, self.store, stream)).cells
        editors, viewers = (_with_role(cells, role, but=account.account) for role in ("editor", "viewer"))
        name = cells.get("playlist/name")
        return Playlist(
            stream,
            name.value if name is not None and isinstance(name.value, str) else None,
            [*editors, *viewers],
        )

    async def _close_playlist(self, playlist: Playlist, account: str) -> None:
        """Let those who listen now see it go; their gateways end their subscriptions."""
        gone = PlaylistDescribed(deleted=True, public=False, collaborative=False)
        events: list[tuple[str, Any]] = [("playlist.described", gone)]
        events += [
            ("playlist.member_changed", PlaylistMemberChanged(account=member, role=None)) for member in playlist.members
        ]
        for kind, data in events:
            await append_event(self.log, self.clock, playlist.stream, account, "", kind=kind, data=data)

    # --- the log ---

    async def _rewrite(self, stream: str, change: Callable[[Iterable[LoggedRecord]], Iterable[LoggedRecord]]) -> int:
        """Overwrite those records of a stream that `change` changes, as it returns them; how many."""
        if not isinstance(self.log, RewritableLog):
            return 0
        count = 0
        start = await self.log.start(self.log.partition_of(stream))
        async for page in stream_pages(self.log, stream, from_=start):
            changed = list(change(page))
            await self.log.overwrite(changed)
            count += len(changed)
        return count

    @asynccontextmanager
    async def _nothing_under_way(self, partitions: set[int]) -> AsyncIterator[None]:
        """Hold what a projector has read before it was overwritten back from the store, or wait until it is there.

        Where a projector works, its checkpoint passes the end; where none does, its lease is ours meanwhile.
        """
        leases: list[Lease] = []
        try:
            for partition in partitions:
                lease = await self._settled(partition, await self.log.end(partition))
                leases += [] if lease is None else [lease]
            yield
        finally:
            for lease in leases:
                await self.store.release(lease)

    async def _settled(self, partition: int, end: int) -> Lease | None:
        try:
            async with asyncio.timeout(FOLD_S):
                while (await self.store.checkpoint(partition)).offset_next < end:
                    lease = await self.store.acquire(partition, holder="erase", ttl_s=HOLD_S)
                    if lease is not None:
                        return lease
                    await asyncio.sleep(FOLD_POLL_S)
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the projector of partition {partition} did not reach offset {end} in {FOLD_S:.0f} s: do it again"
            ) from error
        return None


def _with_role(cells: Cells, role: str, *, but: str) -> list[str]:
    keys = [key for key, cell in cells.items() if key.startswith("member/") and cell.value == role]
    members = (from_key_part(key.removeprefix("member/")) for key in keys)
    return sorted(member for member in members if member != but)


def _erased(page: Iterable[LoggedRecord]) -> Iterable[LoggedRecord]:
    for record in page:
        if record.kind != ERASED:
            # The offset as its seq: there is no second one of that name.
            yield replace(
                record,
                writer=ERASED_WRITER,
                seq=record.offset + 1,
                kind=ERASED,
                version=SCHEMA_VERSION,
                body=ERASED_BODY,
                trace="",
            )


def _nobody_s(page: Iterable[LoggedRecord], *, account: str) -> Iterable[LoggedRecord]:
    for record in page:
        try:
            body = msgspec.json.decode(record.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(body, dict) and body.get("account") == account:
            yield replace(record, body=msgspec.json.encode({**body, "account": "", "device": ""}))
