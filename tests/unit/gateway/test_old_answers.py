"""Old events sent again where a log can read one stream alone: near ones are met at once, far ones all the same."""

from __future__ import annotations

import asyncio

import pytest

from syncd.gateway import old_answers as module
from syncd.gateway.old_answers import old_answers
from syncd.log.memory import MemoryLog
from syncd.log.record import Body, LoggedRecord, Record, encode_record

STREAM, WRITER = "a:alice", "phone00000"


class Counted(MemoryLog):
    """Counts how often it is searched from a stream's beginning."""

    searches = 0

    async def find(self, stream: str, writer: str, seq: int) -> LoggedRecord | None:
        self.searches += 1
        return await super().find(stream, writer, seq)


def made(seq: int, t: int) -> Record:
    body = Body(t=t, data={"k": 1}, account="alice", device="d", admitted_ms=1)
    return encode_record(STREAM, WRITER, seq, "settings.changed", body)


def test_what_lies_near_the_newest_record_costs_no_search() -> None:
    async def story() -> None:
        log = Counted()
        await log.append([made(seq, 10 + seq) for seq in range(1, 6)])
        assert (await old_answers(log, STREAM, WRITER, 3, t=7, newest_offset=4))[3] == 13
        assert log.searches == 0

    asyncio.run(story())


def test_what_lies_further_away_is_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_RECORDS_MAX", 10)
    monkeypatch.setattr(module, "ANSWER_SCAN_RECORDS_MAX", 20)

    async def story() -> None:
        log = Counted()
        others = [Record("a:bob", WRITER, seq, "settings.changed", 1, b"{}") for seq in range(1, 50)]
        await log.append([made(1, 11), *others, made(2, 12)])
        assert await old_answers(log, STREAM, WRITER, 1, t=7, newest_offset=50) == {1: 11}
        assert log.searches == 1
        assert await old_answers(log, STREAM, WRITER, 9, t=7, newest_offset=50) == {}

    asyncio.run(story())
