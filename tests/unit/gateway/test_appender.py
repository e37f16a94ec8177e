"""Which events make one append."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from syncd.gateway.appender import Appender
from syncd.gateway.pending import Pending
from syncd.log.memory import MemoryLog
from syncd.log.port import Appended, PacedLog
from syncd.log.record import Body, Record, encode_record
from syncd.metrics import Metrics
from syncd.model.events import EVENTS
from syncd.push.entry import Entry
from syncd.testing.beside import beside
from syncd.testing.patience import until

NOBODY = cast(Any, None)
"""Origins and ledgers are what the gateway's callbacks look at; these do not."""


class GroupsLog(MemoryLog):
    """Keeps the seqs of each append."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[list[int]] = []

    async def append(self, records: Sequence[Record]) -> list[Appended]:
        self.groups.append([record.seq for record in records])
        return await super().append(records)


class RestingLog(GroupsLog):
    """A `PacedLog`."""

    pace_s = 1.0


def pending(seq: int) -> Pending:
    data = EVENTS["progress.marked"](episode="e", played=True)
    record = encode_record("a:alice", "k3v9q2m4ta", seq, "progress.marked", Body(seq, data, "alice", "d1", 1))
    entry = Entry("a:alice", record.writer, seq, seq, record.kind, "alice", "d1", {}, offset=-1, size=1)
    return Pending(record, entry, NOBODY, NOBODY)


async def groups_of_three(log: GroupsLog) -> list[list[int]]:
    """One event, then two that come one after the other."""
    appender = Appender(
        log, Metrics(), on_written=lambda *_: True, on_refused=lambda *_: None, on_unknown=lambda *_: None
    )
    async with beside(appender.run()):
        appender.submit(pending(1))
        await until(lambda: log.groups == [[1]])
        for seq in (2, 3):
            appender.submit(pending(seq))
            for _ in range(5):  # turns of the loop
                await asyncio.sleep(0)
        await until(lambda: sum(map(len, log.groups)) == 3)
    return log.groups


def test_an_event_is_appended_at_once() -> None:
    assert asyncio.run(groups_of_three(GroupsLog())) == [[1], [2], [3]]


def test_what_comes_while_a_paced_log_rests_is_one_append() -> None:
    log = RestingLog()
    assert isinstance(log, PacedLog)
    assert asyncio.run(groups_of_three(log)) == [[1], [2, 3]]


def test_nothing_is_appended_when_all_was_withdrawn_while_the_log_rested() -> None:
    async def story() -> None:
        log = RestingLog()
        log.pace_s = 0.05
        appender = Appender(
            log, Metrics(), on_written=lambda *_: True, on_refused=lambda *_: None, on_unknown=lambda *_: None
        )
        async with beside(appender.run()):
            appender.submit(pending(1))
            await until(lambda: log.groups == [[1]])
            appender.submit(pending(2))
            await asyncio.sleep(0)
            assert [each.record.seq for each in appender.withdraw(NOBODY)] == [2]
            await asyncio.sleep(2 * log.pace_s)
            appender.submit(pending(3))
            await until(lambda: len(log.groups) == 2)
            assert log.groups == [[1], [3]]

    asyncio.run(story())
