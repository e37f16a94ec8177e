"""What operators look at and do, by the same operations as the commands; all of it bounded, all of it as JSON."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, cast

import msgspec

from syncd.accounts import Accounts
from syncd.clock import Clock
from syncd.errors import NotFound
from syncd.limits import CONSOLE_PAGE_MAX
from syncd.log.port import EventLog
from syncd.logs import get_logger
from syncd.model.canonical import Json
from syncd.model.stamp import ms
from syncd.operations import dead_letters
from syncd.operations.account_streams import streams_of
from syncd.operations.advance import Advance
from syncd.operations.console.difference import state_difference
from syncd.operations.console.documents import (
    Document,
    bounded_state,
    device_document,
    letter_document,
    letters_document,
    place_of,
    timeline_document,
)
from syncd.operations.console.jobs import Job, Jobs
from syncd.operations.moment import parse_moment
from syncd.operations.rebuild import Rebuilt, rebuild_accounts, rebuild_all
from syncd.operations.state import StateObject, account_state
from syncd.operations.timeline import StepFilter, StreamTimeline, timeline
from syncd.operations.verify import Verified, verify, verify_streams
from syncd.operators import Operators
from syncd.store.port import LetterFilter, Store
from syncd.store.rebuild_port import RebuildStore

CHANGES_MAX: Final = 500
"""Lines of one difference between two states."""
SEED_BITS: Final = 32

log = get_logger("console")


@dataclass(frozen=True, slots=True)
class Desk:
    """What it works on. Each method's errors are those of the operations that it calls."""

    log: EventLog
    store: Store
    rebuilds: RebuildStore
    accounts: Accounts
    operators: Operators
    clock: Clock
    jobs: Jobs

    # --- looking ---

    async def find_accounts(self, text: str, *, after: str, limit: int) -> Document:
        """Accounts whose name or id holds the text, by name. `after`: the last name of a page."""
        page = await self.accounts.search(text, after=after, limit=limit + 1)
        shown = page[:limit]
        return {
            "accounts": [cast(Json, msgspec.to_builtins(account)) for account in shown],
            "after": shown[-1].name if len(page) > limit else None,
        }

    async def account(self, account: str) -> Document:
        """One account with its streams and devices. `account`: its id or name, here and below."""
        found = await self.accounts.find(account)
        streams = await streams_of(self.accounts, self.store, found.account)
        writers = await self.store.writers_of(found.account)
        known = await self.store.writers([writer.writer for writer in writers])
        devices = []
        for device in await self.accounts.devices(found.account):
            mine = [known[each.writer] for each in writers if each.device == device.device and each.writer in known]
            times = [progress.t for writer in mine for progress in writer.progress.values()]
            last_ms = ms(max(times)) if times else None
            devices.append(cast(Json, device_document(device, writers=len(mine), last_ms=last_ms)))
        return {
            "account": found.account,
            "name": found.name,
            "created_ms": found.created_ms,
            "streams": [{"stream": stream, "partition": self.log.partition_of(stream)} for stream in streams],
            "devices": devices,
        }

    async def timeline(
        self, account: str, *, stream: str | None, device: str | None, kind: str | None, key: str | None,
        lost_only: bool, before: str | None, limit: int,
    ) -> Document:  # fmt: skip
        """The last steps that pass, oldest first, with what came of each write until now.

        Args:
            stream: one of the account's; all of them when None.
            before: only steps before this place, as an earlier answer's `older`.
        """
        names = await streams_of(self.accounts, self.store, account)
        if stream is not None and stream not in names:
            raise NotFound(f"{stream!r} is no stream of this account; it has {', '.join(names[:20])}")
        wanted = StepFilter(
            kinds=frozenset() if kind is None else frozenset({kind}),
            device=device,
            key=key,
            lost_only=lost_only,
            before=None if before is None else place_of(before),
        )
        names = names if stream is None else [stream]
        return timeline_document(await timeline([StreamTimeline(self.log, name, wanted) for name in names], last=limit))

    async def state(self, account: str, *, at: str | None) -> Document:
        """All that its devices show, now or then."""
        return bounded_state(await self._state(account, at))

    async def difference(self, account: str, *, since: str, until: str | None) -> Document:
        """What changed between two moments. `until`: now when None."""
        was, now = await self._state(account, since), await self._state(account, until)
        changes = list(state_difference(was, now))
        return {
            "changes": [cast(Json, msgspec.to_builtins(change)) for change in changes[:CHANGES_MAX]],
            "count": len(changes),
        }

    async def letters(self, *, account: str | None, reason: str | None, after: str | None, limit: int) -> Document:
        """Dead letters by position; of an account, of its own stream and the playlists it owns."""
        streams = None if account is None else await streams_of(self.accounts, self.store, account)
        filter_ = LetterFilter(streams=streams, reason=reason)
        place = None if after is None else dead_letters.position_of(after)
        page = list(await self.store.dead_letters(filter_, after=place, limit=limit + 1))
        return letters_document(page[:limit], more=len(page) > limit)

    async def letter(self, position: str) -> Document:
        """One dead letter, opened."""
        letter = await dead_letters.find_letter(self.store, position)
        return letter_document(letter, await dead_letters.open_letter(self.store, letter.position))

    async def acts(self, *, before: int | None, limit: int) -> Document:
        """What operators did, newest first."""
        acts = await self.operators.acts(before=before, limit=limit)
        return {"acts": cast(Json, msgspec.to_builtins(acts)), "before": acts[-1].act if len(acts) == limit else None}

    # --- doing ---

    async def retry_letter(self, position: str, *, operator: str) -> Document:
        """Append a dead letter's record again. `appended`: false when this version cannot read it either."""
        letter = await dead_letters.find_letter(self.store, position)
        what = f"retry the dead letter {dead_letters.position_text(letter.position)}"
        await self.operators.note(operator, what, "begun")
        retried = await dead_letters.retry(self.log, self.store, letter.position)
        appended = retried.offset is not None
        outcome = f"appended at {retried.partition}:{retried.offset}" if appended else f"stays: {retried.reason}"
        await self._noted(operator, what, outcome)
        return {"appended": appended, "offset": retried.offset, "reason": retried.reason}

    async def drop_letter(self, position: str, *, operator: str) -> Document:
        """Forget a dead letter. `dropped`: false when somebody else did meanwhile."""
        letter = await dead_letters.find_letter(self.store, position)
        what = f"drop the dead letter {dead_letters.position_text(letter.position)}"
        await self.operators.note(operator, what, "begun")
        dropped = await self.store.drop_dead_letter(letter.position)
        await self._noted(operator, what, "dropped" if dropped else "was gone already")
        return {"dropped": dropped}

    async def start_verify(self, account: str | None, *, operator: str) -> Document:
        """Begin to compare the store with the log: of one account, or of everything."""
        found = await self._id(account)
        streams = None if found is None else await streams_of(self.accounts, self.store, found)
        seed = random.getrandbits(SEED_BITS)

        async def work(progress: Advance) -> Document:
            if streams is None:
                return _verified(await verify(self.log, self.store, seed=seed, progress=progress))
            return _verified(await verify_streams(self.log, self.store, streams, seed=seed, progress=progress))

        what = f"verify {_whose(found)}"
        return _job(await self.jobs.start("verify", what, unit="records", operator=operator, work=work))

    async def start_rebuild(self, account: str | None, *, dry_run: bool, operator: str) -> Document:
        """Begin to build cells anew; `dry_run` only tells what would be swapped."""
        found = await self._id(account)
        parts = (self.log, self.store, self.rebuilds, self.clock)

        async def work(progress: Advance) -> Document:
            if found is None:
                return _rebuilt(await rebuild_all(*parts, dry_run=dry_run, progress=progress), dry_run=dry_run)
            done = await rebuild_accounts(*parts, self.accounts, [found], dry_run=dry_run, progress=progress)
            return _rebuilt(done, dry_run=dry_run)

        what = f"rebuild {_whose(found)}" + (", dry run" if dry_run else "")
        return _job(await self.jobs.start("rebuild", what, unit="records", operator=operator, work=work))

    async def cancel_job(self, job: str, *, operator: str) -> Document:
        """End a running job."""
        return _job(await self.jobs.cancel(job, operator=operator))

    async def _state(self, account: str, at: str | None) -> StateObject:
        found = await self.accounts.find(account)
        now_ms = self.clock.now_ms()
        at_ms = None if at is None else parse_moment(at, now_ms=now_ms)
        return await account_state(self.log, self.store, found.account, now_ms, at_ms=at_ms, born_ms=found.created_ms)

    async def _id(self, account: str | None) -> str | None:
        return None if account is None else (await self.accounts.find(account)).account

    async def _noted(self, operator: str, what: str, outcome: str) -> None:
        log.info("operator_acted", operator=operator, what=what, outcome=outcome)
        await self.operators.note(operator, what, outcome)


def _whose(account: str | None) -> str:
    return "everything" if account is None else f"account {account}"


def _job(job: Job) -> Document:
    return cast(Document, msgspec.to_builtins(job))


def _verified(verified: Verified) -> Document:
    """The result of a verification. `differences`: at most `CONSOLE_PAGE_MAX`, of `differ`."""
    counts = f"{verified.streams} streams, {verified.records} records, {verified.cells} cells"
    differ = len(verified.differences)
    says = f"{differ} differ from the log, of {counts}" if differ else f"agrees with the log: {counts}"
    return {
        "says": says,
        "agrees": verified.agrees,
        "behind": verified.behind,
        "unreadable": verified.unreadable,
        "differ": differ,
        "differences": [
            {
                "stream": each.stream,
                "keys": cast(Json, each.keys),
                "cells": each.keys_count,
                "digests": [each.store_digest, each.refolded_digest],
            }
            for each in verified.differences[:CONSOLE_PAGE_MAX]
        ],
    }


def _rebuilt(rebuilt: Rebuilt, *, dry_run: bool) -> Document:
    """The result of a rebuild, in the form of `_verified`."""
    differ, records = len(rebuilt.differences), rebuilt.records + rebuilt.resumed
    if not differ:
        says = f"nothing differs: {records} records folded anew"
    elif dry_run:
        says = f"{differ} streams differ, of {records} records; nothing was changed"
    else:
        says = f"{rebuilt.cells_changed} cells of {differ} streams were swapped, after {records} records"
    return {
        "says": says,
        "agrees": not differ,
        "behind": 0,
        "unreadable": rebuilt.unreadable,
        "differ": differ,
        "differences": [
            {
                "stream": each.stream,
                "keys": dict.fromkeys(each.keys, "falls" if each.falls else "differs"),
                "cells": each.cells,
                "digests": [each.live_digest, each.staged_digest],
            }
            for each in rebuilt.differences[:CONSOLE_PAGE_MAX]
        ],
    }
