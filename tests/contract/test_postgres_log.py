"""What only the log in Postgres can get wrong: the number of partitions, another life, and sizes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from logs_under_test import postgres_log, record

from syncd import limits
from syncd.errors import ConfigError, EpochChanged, LogUnavailable
from syncd.log.postgres import PostgresLog
from syncd.log.record import LoggedRecord, Record
from syncd.store.migrate import new_epoch
from syncd.testing.patience import PATIENCE_S
from syncd.testing.postgres import VERSIONS, create_database, drop_database

pytestmark = pytest.mark.parametrize("postgres_version", VERSIONS)


def test_the_number_of_partitions_is_written_down_once(postgres_dsn: str) -> None:
    async def story() -> None:
        async with postgres_log(postgres_dsn, 3) as log, postgres_log(postgres_dsn) as again:
            assert (log.partitions, again.partitions) == (3, 3)
        with pytest.raises(ConfigError, match="3 partitions, not 4"):
            await PostgresLog.open(postgres_dsn, partitions=4)

    asyncio.run(story())


def test_a_database_without_tables_says_what_to_do(postgres_admin_dsn: str) -> None:
    async def story() -> None:
        dsn = await create_database(postgres_admin_dsn, migrated=False)
        try:
            with pytest.raises(LogUnavailable, match="syncd migrate"):
                await PostgresLog.open(dsn)
        finally:
            await drop_database(postgres_admin_dsn, dsn)

    asyncio.run(story())


def test_nobody_at_the_address_is_said_in_our_words(tmp_path: Path, postgres_version: str) -> None:
    with pytest.raises(LogUnavailable, match="did not answer|failed"):
        asyncio.run(PostgresLog.open(f"postgresql://syncd@/syncd?host={tmp_path}"))


def test_a_new_epoch_shuts_out_who_knew_the_old_one(postgres_dsn: str) -> None:
    async def story() -> None:
        async with postgres_log(postgres_dsn, 2) as log:
            before = log.epoch(0)
            await log.append([record("a:1"), record("a:2"), record("a:3")])
            end = await log.end(0)
            await new_epoch(postgres_dsn)
            for group in ([record("a:1")], [record(f"a:{number}") for number in range(9)]):
                assert {appended.outcome for appended in await log.append(group)} == {"refused"}
            with pytest.raises(EpochChanged, match=before):
                await log.wait_beyond(0, end, timeout_s=PATIENCE_S)
            async with postgres_log(postgres_dsn) as again:
                assert again.epoch(0) != before
                assert await again.end(0) == end
                assert {appended.outcome for appended in await again.append([record("a:1")])} == {"written"}

    asyncio.run(story())


def test_the_largest_append_is_written_whole(postgres_dsn: str) -> None:
    given = [
        Record(f"a:{number}", "wwwwwwwwww", 2**53 - 1, "list.inserted", 1, bytes([number % 256]) * 3_000)
        for number in range(limits.APPEND_RECORDS_MAX)
    ]

    async def story() -> None:
        async with postgres_log(postgres_dsn, 7) as log:
            assert {appended.outcome for appended in await log.append(given)} == {"written"}
            found = [one for part in range(7) for one in await log.read(part, 0, limit=limits.READ_RECORDS_MAX)]
            assert sorted(one.record() for one in found) == sorted(tuple(one) for one in given)

    asyncio.run(story())


def test_a_read_of_large_records_stops_before_it_fills_the_memory(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page after page, nothing is left out, whatever a page's limit in bytes cuts."""
    monkeypatch.setattr(limits, "READ_BYTES_MAX", 100_000)
    given = [record(seq=seq, body=bytes(30_000 if seq % 300 == 0 else 300)) for seq in range(1, 901)]

    async def story() -> None:
        async with postgres_log(postgres_dsn) as log:
            await log.append(given)
            pages = []

            async def read_stream(at: int, *, limit: int) -> Sequence[LoggedRecord]:
                page = await log.read_stream("a:1", at, until=900, limit=limit)
                assert page.offset_next == at + len(page.records)
                return page.records

            for read in (partial(log.read, 0), read_stream):
                at = 0
                while page := await read(at, limit=900):
                    # What came uncounted before, and one record that may be large.
                    assert sum(len(one.body) for one in page) <= 100_000 + 200 * 300 + 2 * 30_000
                    assert [one.seq for one in page] == list(range(at + 1, at + len(page) + 1))
                    pages.append(len(page))
                    at += len(page)
                assert at == 900
            assert 900 not in pages

            monkeypatch.setattr(limits, "READ_BYTES_MAX", 1)
            assert len(await read_stream(299, limit=10)) == 1
            assert len(await log.read(0, 299, limit=400)) == 1

    asyncio.run(story())
