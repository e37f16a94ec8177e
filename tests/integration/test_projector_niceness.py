"""`syncd projector` lets gateways of its machine go first (decision 31), and nothing else becomes slower by it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from syncd.postgres import niceness
from syncd.postgres.connection import connect, connected
from syncd.testing.patience import PATIENCE_S, eventually

AUTOGROUP = Path("/proc/self/autogroup")


@asynccontextmanager
async def role(data_dir: Path, *arguments: str, nice: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """A role that is ready, in a session of its own, as a service has one."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "syncd.cli", *arguments, "--json", "--data-dir", str(data_dir),
        stdout=asyncio.subprocess.PIPE, env={**inherited, **({"SYNCD_PROJECTOR_NICE": nice} if nice else {})},
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            json.loads(await process.stdout.readline())
        yield process
    finally:
        process.terminate()
        await process.wait()


async def backends(dsn: str) -> dict[int, int]:
    """The niceness of each backend that answers somebody, by its number."""
    async with connected(dsn) as connection:
        rows = await connection.fetch(
            "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
        )
    return {row["pid"]: os.getpriority(os.PRIO_PROCESS, row["pid"]) for row in rows}


def of_session(pid: int) -> int:
    """The niceness of the session that a process leads."""
    return int(Path(f"/proc/{pid}/autogroup").read_text().split()[-1])


def dsn_of(data_dir: Path) -> str:
    lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    return f"postgresql:///syncd?host={lines[4]}&port={lines[3]}&user=syncd"


@pytest.mark.parametrize(("nice", "expected"), [("", 10), ("0", 0)])
def test_a_projector_and_who_works_for_it_go_behind_a_gateway_and_who_works_for_that(
    tmp_path: Path, nice: str, expected: int
) -> None:
    async def story() -> None:
        data_dir = tmp_path / "data"
        async with role(data_dir, "gateway", "--ws-port", "0") as gateway:
            before = await backends(dsn_of(data_dir))
            assert set(before.values()) == {0}
            async with role(data_dir, "projector", nice=nice) as projector:
                after = await backends(dsn_of(data_dir))
                assert {after[pid] for pid in before.keys() & after.keys()} == {0}
                # The gateway may have asked for more as well.
                lowered = {pid: niceness for pid, niceness in after.items() if niceness != 0}
                assert set(lowered.values()) == ({expected} if expected else set())
                assert os.getpriority(os.PRIO_PROCESS, gateway.pid) == 0
                if AUTOGROUP.exists():
                    assert of_session(gateway.pid) == 0
                    assert of_session(projector.pid) == expected
                    assert {of_session(pid) for pid in lowered} == set(lowered.values())

    asyncio.run(story())


def test_a_postgres_that_a_projector_starts_is_not_behind_anybody(tmp_path: Path) -> None:
    async def story() -> None:
        data_dir = tmp_path / "data"
        async with role(data_dir, "projector"):
            postmaster = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
            assert os.getpriority(os.PRIO_PROCESS, postmaster) == 0
            async with role(data_dir, "gateway", "--ws-port", "0"):
                assert 0 in (await backends(dsn_of(data_dir))).values()

    asyncio.run(story())


def test_who_is_cancelled_while_a_niceness_waits_leaves_no_connection(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So Linux answers ordinary users who ask twice in a tenth of a second.
    monkeypatch.setattr(niceness, "_write", lambda autogroup, nice: False)
    monkeypatch.setattr(niceness, "TRY_AGAIN_S", PATIENCE_S)

    async def story() -> None:
        async with connected(postgres_dsn) as watching:

            async def answered(connections: int) -> bool:
                count = "select count(*) from pg_stat_activity where application_name = 'cancelled'"
                return bool(await watching.fetchval(count) == connections)

            niceness.lower_backends(1)
            try:
                connecting = asyncio.create_task(connect(postgres_dsn, name="cancelled"))
                await eventually(lambda: answered(1), "it does not connect")
                connecting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await connecting
                await eventually(lambda: answered(0), "the connection stays")
            finally:
                niceness.lower_backends(0)

    asyncio.run(story())
