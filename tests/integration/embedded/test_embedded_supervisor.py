"""Supervisor or Postgres are killed or told to end: members lose nothing, and no process is left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest
from embedded_folders import socket_folder
from embedded_members import DEADLINE_S, execute, fetch
from embedded_processes import kill, postmaster_of, supervisors_of, until_nobody_is_left

from syncd.store.embedded import EmbeddedPostgres, EmbeddedPostgresError, join
from syncd.store.embedded.socket_folder import CONTROL
from syncd.testing.patience import until
from syncd.testing.server_process import processes_of

# The process of Postgres without which no shutdown can end; stopped, it holds the shutdown where we want it.
CHECKPOINTER = "select pid from pg_stat_activity where backend_type = 'checkpointer'"


def test_supervisor_that_is_killed_takes_postgres_along_and_the_next_join_recovers(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        await execute(member, "create table kept as select 42 as answer")
        lost = asyncio.create_task(member.lost())
        checkpointer = await _checkpointer(member)
        os.kill(checkpointer, signal.SIGSTOP)
        kill(supervisors_of(data_dir))
        await asyncio.wait_for(lost, DEADLINE_S)
        # The old Postgres is still writing, and must have ended before the new one starts.
        joining = asyncio.create_task(join(data_dir))
        done, _ = await asyncio.wait({joining}, timeout=0.5)
        assert not done
        os.kill(checkpointer, signal.SIGCONT)
        again = await joining
        assert await fetch(again, "select answer from kept") == 42
        assert len(supervisors_of(data_dir)) == 1
        await member.close()
        await again.close()

    asyncio.run(story())


def test_supervisor_that_is_killed_leaves_no_process_behind(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        kill(supervisors_of(data_dir))
        await until_nobody_is_left(data_dir)
        await member.close()
        shutil.rmtree(socket_folder(member.dsn))  # what the next join would do

    asyncio.run(story())


def test_join_recovers_when_everything_was_killed_and_process_ids_were_given_to_others(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        await execute(member, "create table kept as select 42 as answer")
        kill(processes_of(data_dir))
        await until_nobody_is_left(data_dir)
        await member.close()
        # In a container the same ids come again at each start; Postgres alone would now refuse to start for ever.
        for left in (data_dir / "postgres/postmaster.pid", socket_folder(member.dsn) / ".s.PGSQL.5432.lock"):
            lines = left.read_text().splitlines(keepends=True)
            left.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
        again = await join(data_dir)
        assert await fetch(again, "select answer from kept") == 42
        await again.close()

    asyncio.run(story())


def test_postgres_that_is_killed_is_started_again_for_its_members(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        await execute(member, "create table kept as select 42 as answer")
        lost = asyncio.create_task(member.lost())
        first = postmaster_of(data_dir)
        assert first is not None
        kill([first])
        await until(lambda: postmaster_of(data_dir) not in (None, first), "Postgres was not started again")
        newcomer = await join(data_dir)
        assert newcomer.dsn == member.dsn
        assert await fetch(newcomer, "select answer from kept") == 42
        assert not lost.done()
        lost.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lost
        await member.close()
        await newcomer.close()

    asyncio.run(story())


def test_postgres_that_keeps_ending_is_given_up(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        lost = asyncio.create_task(member.lost())
        # Postgres will not start any more: its control file is gone.
        control = data_dir / "postgres/global/pg_control"
        control.rename(control.with_suffix(".away"))
        postmaster = postmaster_of(data_dir)
        assert postmaster is not None
        kill([postmaster])
        await asyncio.wait_for(lost, DEADLINE_S)
        await member.close()
        await until_nobody_is_left(data_dir)
        with pytest.raises(EmbeddedPostgresError, match=r"could not find the database system.*postgres\.log"):
            await join(data_dir)

    asyncio.run(story())


def test_join_during_a_shutdown_waits_and_starts_anew(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        started = await fetch(member, "select pg_postmaster_start_time()")
        checkpointer = await _checkpointer(member)
        os.kill(checkpointer, signal.SIGSTOP)
        await member.close()
        # Not by trying its socket: whoever connects is a member, and keeps it from stopping.
        log = data_dir / "postgres.log"
        await until(lambda: "received fast shutdown request" in log.read_text(), "Postgres was not stopped")
        joining = asyncio.create_task(join(data_dir))
        done, _ = await asyncio.wait({joining}, timeout=0.3)
        assert not done
        os.kill(checkpointer, signal.SIGCONT)
        again = await joining
        assert await fetch(again, "select pg_postmaster_start_time()") > started
        await again.close()

    asyncio.run(story())


def test_terminated_supervisor_serves_its_members_to_the_end_and_admits_nobody(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        [supervisor] = supervisors_of(data_dir)
        os.kill(supervisor, signal.SIGTERM)
        control = socket_folder(member.dsn) / CONTROL
        await until(lambda: not accepts(control), "the supervisor still admits members")
        assert await fetch(member, "select 1") == 1
        joining = asyncio.create_task(join(data_dir))
        await member.close()
        newcomer = await joining
        assert supervisor not in supervisors_of(data_dir)
        await newcomer.close()

    asyncio.run(story())


def test_interrupted_supervisor_stops_postgres_at_once_and_cleanly(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        [supervisor] = supervisors_of(data_dir)
        os.kill(supervisor, signal.SIGINT)
        await until_nobody_is_left(data_dir)
        await member.close()

    asyncio.run(story())
    assert "database system is shut down" in (data_dir / "postgres.log").read_text().splitlines()[-1]


def accepts(control: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(control))
        except OSError:
            return False
        return True


async def _checkpointer(member: EmbeddedPostgres) -> int:
    """Its process id; Postgres answers before it has started."""
    for _ in range(6_000):
        if (pid := await fetch(member, CHECKPOINTER)) is not None:
            return int(pid)
        await asyncio.sleep(0.01)
    pytest.fail("Postgres has no checkpointer")
