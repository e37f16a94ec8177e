"""The embedded Postgres is there while a member lives and gone when none does, whichever of them is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest
from embedded_folders import mode_of, socket_folder
from embedded_members import DEADLINE_S, MemberProcess, execute, fetch, member_process
from embedded_processes import postmaster_of, supervisors_of, until_nobody_is_left

from syncd.store.embedded import EmbeddedPostgresError, join
from syncd.store.embedded.binaries import find_binaries
from syncd.testing.patience import until


def test_first_start_makes_a_database_that_a_restart_keeps(folder: Path) -> None:
    data_dir, steps = folder / "data", list[str]()

    async def story() -> None:
        first = await join(data_dir, on_progress=steps.append)
        await execute(first, "create table kept (song text)")
        await execute(first, "insert into kept values ('Für Elise')")
        await first.close()
        await until_nobody_is_left(data_dir)
        second = await join(data_dir)
        assert await fetch(second, "select song from kept") == "Für Elise"
        assert await fetch(second, "select current_user || '@' || current_database()") == "syncd@syncd"
        assert await fetch(second, "show server_version") == second.version == find_binaries().version
        settings = {"server_encoding": "UTF8", "data_checksums": "on", "fsync": "on", "listen_addresses": ""}
        assert {name: await fetch(second, f"show {name}") for name in settings} == settings
        await second.close()

    asyncio.run(story())
    assert "creating the database" in steps[0]
    assert "starting Postgres" in steps[-1]
    assert mode_of(data_dir / "postgres") == 0o700


def test_joiners_at_once_share_one_postgres(data_dir: Path) -> None:
    async def story() -> None:
        everybody = await asyncio.gather(*(join(data_dir) for _ in range(5)))
        assert len({member.dsn for member in everybody}) == 1
        assert len({await fetch(member, "select pg_postmaster_start_time()") for member in everybody}) == 1
        assert len(supervisors_of(data_dir)) == 1
        # It stays until the very last one leaves, in whatever order.
        for member in everybody[:-1]:
            await member.close(wait_stopped=True)
        assert await fetch(everybody[-1], "select 1") == 1
        await everybody[-1].close()
        await until_nobody_is_left(data_dir)

    asyncio.run(story())


def test_processes_that_race_to_create_the_database_end_up_with_one(folder: Path) -> None:
    data_dir = folder / "data"
    with contextlib.ExitStack() as members:
        racers = [members.enter_context(MemberProcess(data_dir, None)) for _ in range(3)]
        assert len({racer.dsn for racer in racers}) == 1
        assert len(supervisors_of(data_dir)) == 1


def test_closing_waits_on_request_until_postgres_has_stopped(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        await member.close(wait_stopped=True)
        assert postmaster_of(data_dir) is None
        await member.close(wait_stopped=True)
        await member.close()

    asyncio.run(story())


def test_member_that_is_killed_counts_as_gone(data_dir: Path) -> None:
    with member_process(data_dir) as member:
        assert postmaster_of(data_dir) is not None
        member.process.kill()
        asyncio.run(until_nobody_is_left(data_dir))
    assert not socket_folder(member.dsn).exists()


def test_member_that_is_killed_takes_nothing_from_the_others(data_dir: Path) -> None:
    async def story(starter: MemberProcess) -> None:
        other = await join(data_dir)
        starter.process.kill()
        starter.process.wait(DEADLINE_S)
        newcomer = await join(data_dir)
        await other.close(wait_stopped=True)
        assert await fetch(newcomer, "select 1") == 1
        await newcomer.close()

    with member_process(data_dir) as starter:
        asyncio.run(story(starter))


def test_join_that_is_too_late_says_what_it_waited_for(data_dir: Path) -> None:
    async def story() -> None:
        with pytest.raises(EmbeddedPostgresError, match=r"not ready after 0\.001 s.*postgres\.log"):
            await join(data_dir, timeout_s=0.001)
        await until_nobody_is_left(data_dir)

    asyncio.run(story())


def test_join_that_is_cancelled_leaves_nothing_behind(data_dir: Path) -> None:
    async def story() -> None:
        joining = asyncio.create_task(join(data_dir))
        await until(lambda: bool(supervisors_of(data_dir)), "no supervisor was started")
        joining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await joining
        await until_nobody_is_left(data_dir)

    asyncio.run(story())


def test_ctrl_c_at_the_starters_terminal_reaches_neither_supervisor_nor_postgres(data_dir: Path) -> None:
    async def story(starter: MemberProcess) -> None:
        other = await join(data_dir)
        started = await fetch(other, "select pg_postmaster_start_time()")
        os.killpg(starter.process.pid, signal.SIGINT)
        starter.process.wait(DEADLINE_S)
        assert await fetch(other, "select pg_postmaster_start_time()") == started
        await other.close()

    with member_process(data_dir) as starter:
        asyncio.run(story(starter))
