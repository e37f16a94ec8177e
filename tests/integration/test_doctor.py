"""What `syncd doctor` finds, beyond what the end-to-end tests of the command show."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from house import HandClock, opened_house

from syncd.bootstrap import open_database, open_deployment
from syncd.config import Config, resolve
from syncd.operations.doctor import Doors, Finding, examine, machine
from syncd.store.postgres import PostgresStore
from syncd.store.rebuild_port import EVERYTHING, Run
from syncd.testing.patience import eventually
from syncd.testing.postgres import create_database, drop_database
from syncd.testing.service import running_service

DOORS = Doors(open_database, lambda config: open_deployment(config, migrating=False))


class WallClock(HandClock):
    """The time of the test's machine, so many ms ahead."""

    def __init__(self, ahead_ms: int = 0) -> None:
        super().__init__()
        self.ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


async def found(clock: WallClock | None = None, **environ: str) -> dict[str, Finding]:
    """What doctor finds with these variables set."""
    resolved = resolve(environ={"SYNCD_PORT": "0", "SYNCD_WS_PORT": "0", **environ})
    return {finding.name: finding async for finding in examine(resolved, clock or WallClock(), DOORS)}


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


def test_a_database_in_use_is_all_well(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await house.device("alice", "phone")
            await house.project()
        findings = await found(SYNCD_DATABASE_URL=postgres_dsn)
        assert {finding.verdict for finding in findings.values()} == {"ok"}
        assert findings["projection"].text == "0 records behind the log"

    asyncio.run(story())


def test_a_rebuild_that_was_stopped_is_a_warning_until_somebody_goes_on(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            assert isinstance(house.store, PostgresStore)
            async with house.store.rebuilding() as right:
                run = Run(EVERYTHING, "p1", {0: "e1"})
                await right.begin(run)
                await right.stage(run, 0, 7, [])
                assert "rebuild" not in await found(SYNCD_DATABASE_URL=postgres_dsn), "it is under way"

            async def stopped() -> Finding | None:
                return (await found(SYNCD_DATABASE_URL=postgres_dsn)).get("rebuild")

            finding = await eventually(stopped, "its connection ends at once")
            assert (finding.verdict, "after 7 records" in finding.text) == ("warn", True)
            async with house.store.rebuilding() as right:
                await right.discard(EVERYTHING)
            assert "rebuild" not in await found(SYNCD_DATABASE_URL=postgres_dsn)

    asyncio.run(story())


def test_every_finding_that_is_not_ok_says_what_to_do(postgres_dsn: str) -> None:
    async def story() -> None:
        for findings in (
            await found(SYNCD_DATABASE_URL=postgres_dsn, SYNCD_PROT="1"),
            await found(SYNCD_DATABASE_URL="postgresql://127.0.0.1:1/none"),
        ):
            for finding in findings.values():
                assert bool(finding.advice) is (finding.verdict != "ok"), finding

    asyncio.run(story())


def test_tables_that_are_missing_are_a_warning_since_a_start_makes_them(postgres_admin_dsn: str) -> None:
    async def story() -> None:
        dsn = await create_database(postgres_admin_dsn, migrated=False)
        try:
            migrations = (await found(SYNCD_DATABASE_URL=dsn))["migrations"]
            assert migrations.verdict == "warn"
            assert "0001" in migrations.text
        finally:
            await drop_database(postgres_admin_dsn, dsn)

    asyncio.run(story())


def test_tables_of_a_newer_version_fail(postgres_dsn: str) -> None:
    async def story() -> None:
        await execute(postgres_dsn, "insert into schema_migrations values ('9999')")
        migrations = (await found(SYNCD_DATABASE_URL=postgres_dsn))["migrations"]
        assert migrations.verdict == "fail"
        assert "9999" in migrations.text

    asyncio.run(story())


@pytest.mark.parametrize(
    ("statement", "verdict", "advice"),
    [
        ("update checkpoints set offset_next = 99", "fail", "migrate --new-epoch"),
        ("update checkpoints set epoch = 'another'", "warn", "start the servers again"),
        ("update log_partitions set offset_next = offset_next + 20000", "warn", "a projector runs"),
    ],
)
def test_a_store_that_does_not_fit_its_log_is_found(
    postgres_dsn: str, statement: str, verdict: str, advice: str
) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            await house.device("alice", "phone")
            await house.project()
        await execute(postgres_dsn, statement)
        projection = (await found(SYNCD_DATABASE_URL=postgres_dsn))["projection"]
        assert projection.verdict == verdict
        assert advice in projection.advice

    asyncio.run(story())


def test_a_clock_that_is_off_is_a_warning(postgres_dsn: str) -> None:
    clock = asyncio.run(found(WallClock(ahead_ms=5_000), SYNCD_DATABASE_URL=postgres_dsn))["clock"]
    assert clock.verdict == "warn"
    assert re.search(r"[45]\.\d s ahead", clock.text), "a busy machine asks slowly, and knows less well"


@contextmanager
def listening() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_where_nobody_of_ours_answers_fails() -> None:
    async def story() -> None:
        with listening() as port:
            findings = await asyncio.gather(
                machine.http_port(Config(port=port)),
                machine.ws_port(Config(ws_port=port)),
                machine.metrics_port(Config(metrics_port=port)),
            )
        for finding in findings:
            assert finding is not None
            assert finding.verdict == "fail"
            assert "serve" in finding.advice

    asyncio.run(story())


def test_a_data_folder_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert machine.data_folder(tmp_path / "data").verdict == "fail"
    assert machine.data_folder(tmp_path / "data" / "below").verdict == "fail"
    assert machine.data_folder(tmp_path / "other" / "below").verdict == "ok"
    assert not (tmp_path / "other").exists()


def test_in_the_place_of_one_role_its_ports_are_those_of_ours(postgres_dsn: str) -> None:
    """As in a container: there is no API that could tell of the gateway."""

    async def story() -> None:
        config = Config(ws_port=0, metrics_port=0, database_url=postgres_dsn)
        async with running_service(config, frozenset({"gateway"})) as service:
            port = urlsplit(service.ws_url).port
            assert port is not None
            finding = await machine.ws_port(Config(ws_port=port))
            assert (finding.verdict, finding.text) == ("ok", "a gateway of syncd is there")
        assert await machine.metrics_port(Config()) is None

    asyncio.run(story())
