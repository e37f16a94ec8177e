"""The embedded Postgres is there while a member lives and gone when none does, whoever is killed, whoever we run as."""

import asyncio
import contextlib
import fcntl
import functools
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from syncd.store.embedded import EmbeddedPostgres, EmbeddedPostgresError, join
from syncd.store.embedded.binaries import find_binaries
from syncd.store.embedded.identity import OTHER_USERS, RunAs, choose_identity
from syncd.store.embedded.socket_folder import CONTROL, SOCKET_PATH_BYTES_MAX

# Covers the linger and a fast shutdown several times, on a machine that is busy with other tests.
DEADLINE_S = 20.0
CHECKOUT = Path(__file__).parents[2]
# The process of Postgres without which no shutdown can end; stopped, it holds the shutdown where we want it.
CHECKPOINTER = "select pid from pg_stat_activity where backend_type = 'checkpointer'"
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
needs_proc = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for processes in /proc")
pytestmark = needs_proc


# --- what the tests say ---


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
    async def story(starter: "MemberProcess") -> None:
        other = await join(data_dir)
        starter.process.kill()
        starter.process.wait(DEADLINE_S)
        newcomer = await join(data_dir)
        await other.close(wait_stopped=True)
        assert await fetch(newcomer, "select 1") == 1
        await newcomer.close()

    with member_process(data_dir) as starter:
        asyncio.run(story(starter))


def test_supervisor_that_is_killed_takes_postgres_along_and_the_next_join_recovers(data_dir: Path) -> None:
    async def story() -> None:
        member = await join(data_dir)
        await execute(member, "create table kept as select 42 as answer")
        lost = asyncio.create_task(member.lost())
        checkpointer = await fetch(member, CHECKPOINTER)
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
        checkpointer = await fetch(member, CHECKPOINTER)
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
    async def story(starter: "MemberProcess") -> None:
        other = await join(data_dir)
        started = await fetch(other, "select pg_postmaster_start_time()")
        os.killpg(starter.process.pid, signal.SIGINT)
        starter.process.wait(DEADLINE_S)
        assert await fetch(other, "select pg_postmaster_start_time()") == started
        await other.close()

    with member_process(data_dir) as starter:
        asyncio.run(story(starter))


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


def test_creation_that_was_interrupted_is_done_again(folder: Path) -> None:
    data_dir = folder / "data"
    (data_dir / "postgres.making/base").mkdir(parents=True)
    (data_dir / "postgres.making/PG_VERSION").write_text("18\n")

    async def story() -> None:
        member = await join(data_dir)
        assert await fetch(member, "select 1") == 1
        await member.close()

    asyncio.run(story())
    assert not (data_dir / "postgres.making").exists()


def test_folder_that_is_not_postgres_is_left_alone(data_dir: Path) -> None:
    (data_dir / "postgres/PG_VERSION").unlink()
    with pytest.raises(EmbeddedPostgresError, match="not a Postgres folder"):
        asyncio.run(join(data_dir))
    assert (data_dir / "postgres/base").is_dir()


def test_data_of_another_major_version_are_refused_naming_both(data_dir: Path) -> None:
    (data_dir / "postgres/PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=rf"made by Postgres 15,.* Postgres {find_binaries().version}"):
        asyncio.run(join(data_dir))


def test_postgres_that_a_person_started_is_respected(data_dir: Path) -> None:
    """Its pid file is the one that must not be taken for a leftover: two servers would ruin the data."""
    postgres = find_binaries().program("postgres")
    identity = choose_identity(data_dir / "postgres", postgres=postgres)
    by_hand = subprocess.Popen(
        identity.command(postgres, "-D", data_dir / "postgres", "-c", "listen_addresses=", "-k", "/tmp", "-p", "54329"),
        stderr=subprocess.DEVNULL,
    )
    try:
        asyncio.run(until(lambda: postmaster_of(data_dir) == by_hand.pid, "it did not start"))
        with pytest.raises(EmbeddedPostgresError, match=rf"did not start runs on .*process {by_hand.pid}\b"):
            asyncio.run(join(data_dir))
        assert by_hand.poll() is None
    finally:
        by_hand.send_signal(signal.SIGINT)
        by_hand.wait(DEADLINE_S)


def test_data_folder_deeper_than_a_socket_path_works(template: Path, folder: Path) -> None:
    data_dir = folder / ("ü" * 60) / ("long " * 20) / "data"
    copy_cluster(template, data_dir)
    assert len(os.fsencode(data_dir)) > SOCKET_PATH_BYTES_MAX
    assert_works(data_dir)


def test_temporary_folder_with_a_long_path_is_passed_over(
    data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = folder / ("t" * 100)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    assert_works(data_dir)


def test_settings_of_the_persons_environment_change_nothing(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGPORT": "1", "PGDATA": "/nowhere", "PGCLIENTENCODING": "Klingon", "LC_ALL": "tlh_KX", "TZ": "Asia/Tokyo",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    async def story() -> None:
        member = await join(data_dir)
        monkeypatch.setenv("PGSSLMODE", "require")
        assert await fetch(member, "show timezone") == "UTC"
        await member.close()

    asyncio.run(story())


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason=f"no Postgres 15 in {DEBIAN_15}")
def test_same_supervisor_runs_postgres_15(folder: Path) -> None:
    data_dir = folder / "data"

    async def story() -> None:
        member = await join(data_dir, binaries=DEBIAN_15)
        assert member.version.startswith("15.")
        assert (await fetch(member, "show server_version")).startswith(member.version)
        assert await fetch(member, "show data_checksums") == "on"
        await member.close(wait_stopped=True)
        with pytest.raises(EmbeddedPostgresError, match=rf"made by Postgres 15,.* Postgres {find_binaries().version}"):
            await join(data_dir)

    asyncio.run(story())


# --- the socket folder ---


def test_link_in_place_of_the_socket_folder_is_refused(data_dir: Path, folder: Path) -> None:
    sockets = socket_folder(assert_works(data_dir))
    (folder / "elsewhere").mkdir(mode=0o700)
    (folder / "elsewhere/precious").touch()
    sockets.symlink_to(folder / "elsewhere")
    try:
        with pytest.raises(EmbeddedPostgresError, match=f"{sockets} must be a private folder"):
            asyncio.run(join(data_dir))
    finally:
        sockets.unlink()
    assert (folder / "elsewhere/precious").exists()


def test_socket_folder_that_others_can_enter_is_refused(data_dir: Path) -> None:
    sockets = socket_folder(assert_works(data_dir))
    sockets.mkdir()
    sockets.chmod(0o755)
    try:
        with pytest.raises(EmbeddedPostgresError, match=rf"{sockets} belongs to uid \d+ with mode 0755"):
            asyncio.run(join(data_dir))
    finally:
        sockets.rmdir()


@needs_root
def test_socket_folder_of_somebody_else_is_refused(data_dir: Path) -> None:
    sockets = socket_folder(assert_works(data_dir))
    sockets.mkdir(mode=0o700)
    os.chown(sockets, 12345, 12345)
    try:
        with pytest.raises(EmbeddedPostgresError, match=f"{sockets} belongs to uid 12345"):
            asyncio.run(join(data_dir))
    finally:
        sockets.rmdir()


def test_link_in_place_of_the_lock_is_refused(data_dir: Path, folder: Path) -> None:
    (folder / "precious").write_text("kept")
    (data_dir / "postgres.lock").symlink_to(folder / "precious")
    with pytest.raises(EmbeddedPostgresError, match=r"postgres\.lock cannot be opened"):
        asyncio.run(join(data_dir))
    assert (folder / "precious").read_text() == "kept"


# --- as whom it runs ---


@needs_root
def test_root_in_a_closed_folder_runs_in_a_namespace(template: Path, folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    data_dir = folder / "closed/data"
    copy_cluster(template, data_dir)
    reason = namespaces_refused(0)
    if reason is not None:
        pytest.skip(reason)
    assert_works(data_dir, run_as="namespace")
    assert owner_of(data_dir / "postgres") == 0
    assert mode_of(folder / "closed") == 0o700


@needs_root
def test_root_without_namespaces_runs_it_as_another_user(folder: Path) -> None:
    data_dir = folder / "data"
    other = next(user for name in OTHER_USERS for user in pwd.getpwall() if user.pw_name == name)
    before = [(path, path.stat()) for path in (folder, *folder.parents)]

    async def story(run_as: RunAs) -> None:
        member = await join(data_dir, run_as=run_as)
        postmaster = postmaster_of(data_dir)
        assert owner_of(Path(f"/proc/{postmaster}")) == other.pw_uid
        await execute(member, "create table if not exists kept ()")
        await member.close()
        await until_nobody_is_left(data_dir)

    asyncio.run(story("user"))
    assert owner_of(data_dir / "postgres") == owner_of(data_dir / "postgres/base") == other.pw_uid
    assert owner_of(data_dir) == 0
    assert [(path, path.stat().st_mode, path.stat().st_uid) for path, _ in before] == [
        (path, found.st_mode, found.st_uid) for path, found in before
    ]
    # Next time too, also where a namespace would do: what belongs to somebody stays theirs.
    asyncio.run(story("auto"))


@needs_root
def test_roots_data_are_handed_over_when_namespaces_are_forbidden_later(template: Path, folder: Path) -> None:
    data_dir = folder / "data"
    copy_cluster(template, data_dir)
    data_dir.chmod(0o711)
    assert_works(data_dir, run_as="user")
    assert owner_of(data_dir / "postgres") == owner_of(data_dir / "postgres/PG_VERSION") != 0


@needs_root
def test_folder_in_the_way_of_another_user_is_named_and_not_opened(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=rf"{closed} cannot be entered \(mode 0700.*SYNCD_DATA_DIR"):
        asyncio.run(join(closed / "data", run_as="user"))
    assert mode_of(closed) == 0o700


@needs_root
def test_root_tries_namespace_then_other_user_then_names_both_reasons(folder: Path) -> None:
    cluster, postgres = folder / "postgres", find_binaries().program("postgres")
    refused = {"namespace": "a user namespace was refused"}
    assert choose_identity(cluster, postgres=postgres, obstacle=lambda *_: None).way == "namespace"
    chosen = choose_identity(cluster, postgres=postgres, obstacle=lambda who, _: refused.get(who.way))
    assert chosen.way == "user"
    assert chosen.uid != 0
    with pytest.raises(EmbeddedPostgresError, match=r"namespace was refused; as user \w+, /x cannot be entered"):
        choose_identity(
            cluster, postgres=postgres, obstacle=lambda who, _: refused.get(who.way, "/x cannot be entered")
        )


@needs_root
def test_ordinary_user_runs_it_and_root_may_join_beside_him(folder: Path) -> None:
    uid = 1000
    data_dir = own_folder(folder, uid)

    async def story() -> None:
        root = await join(data_dir)
        assert await fetch(root, "select count(*) from pg_database where datname = 'syncd'") == 1
        await root.close()

    with member_process(data_dir, uid=uid) as member:
        assert owner_of(Path(f"/proc/{postmaster_of(data_dir)}")) == uid
        assert owner_of(socket_folder(member.dsn)) == uid
        asyncio.run(story())
    asyncio.run(until_nobody_is_left(data_dir))


@needs_root
def test_ordinary_user_may_join_beside_root_who_started_it_on_his_data(folder: Path) -> None:
    uid = 1000
    data_dir = own_folder(folder, uid)
    with member_process(data_dir, uid=uid):
        pass
    asyncio.run(until_nobody_is_left(data_dir))
    for remade_by_root in ("postgres.lock", "postgres.log"):
        (data_dir / remade_by_root).unlink()

    async def story() -> None:
        root = await join(data_dir)
        with member_process(data_dir, uid=uid) as member:
            assert member.dsn == root.dsn
            assert owner_of(Path(f"/proc/{postmaster_of(data_dir)}")) == uid
        await root.close()
        await until_nobody_is_left(data_dir)

    asyncio.run(story())
    # And what root touched is still usable for him alone.
    with member_process(data_dir, uid=uid):
        pass


@needs_root
def test_user_without_a_name_is_lent_one(folder: Path) -> None:
    """`docker run --user 54321`: initdb wants to know what the user is called."""
    uid = 54321
    data_dir = own_folder(folder, uid)
    reason = namespaces_refused(uid)
    if reason is not None:
        pytest.skip(reason)
    with member_process(data_dir, uid=uid):
        assert owner_of(data_dir / "postgres") == uid


@needs_root
def test_ordinary_user_is_told_whose_data_these_are(template: Path, folder: Path) -> None:
    data_dir = own_folder(folder, 1000)
    copy_cluster(template, data_dir)
    with (
        pytest.raises(AssertionError, match="belongs to user root; start syncd as that user"),
        member_process(data_dir, uid=1000),
    ):
        pass


# --- what they lean on ---


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, as pytest's own are closed to them; at its end nobody works in it."""
    path = Path(tempfile.mkdtemp(prefix="syncd-test-", dir="/tmp")).resolve()
    path.chmod(0o711)
    try:
        yield path
        # Those that linger may go at once; whether they would have gone by themselves, the tests ask where it matters.
        for supervisor in supervisors_of(path):
            os.kill(supervisor, signal.SIGINT)
        asyncio.run(until_nobody_is_left(path))
    finally:
        kill(processes_of(path))
        shutil.rmtree(path)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A data folder that is never used, only copied: making one takes longer than most of these tests."""

    async def make(data_dir: Path) -> None:
        await (await join(data_dir)).close(wait_stopped=True)

    with open_folder() as path:
        asyncio.run(make(path / "data"))
        yield path / "data"


@pytest.fixture
def data_dir(template: Path, folder: Path) -> Path:
    copy_cluster(template, folder / "data")
    return folder / "data"


@contextlib.contextmanager
def member_process(data_dir: Path, *, uid: int | None = None) -> Iterator["MemberProcess"]:
    with MemberProcess(data_dir, uid) as member:
        assert member.dsn
        yield member


def copy_cluster(template: Path, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    shutil.copytree(template / "postgres", data_dir / "postgres")


def own_folder(parent: Path, uid: int) -> Path:
    path = parent / "data"
    path.mkdir(mode=0o700)
    os.chown(path, uid, uid)
    return path


def assert_works(data_dir: Path, *, run_as: RunAs = "auto") -> str:
    """Start, write, stop; returns the dsn."""

    async def story() -> str:
        member = await join(data_dir, run_as=run_as)
        await execute(member, "create table works ()")
        await member.close()
        await until_nobody_is_left(data_dir)
        return member.dsn

    return asyncio.run(story())


async def execute(member: EmbeddedPostgres, sql: str) -> None:
    await fetch(member, sql)


async def fetch(member: EmbeddedPostgres, sql: str) -> Any:
    connection = await asyncpg.connect(member.dsn, timeout=DEADLINE_S)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


class MemberProcess:
    """Another process that has joined; it leaves when its standard input ends."""

    PROGRAM = """
import asyncio, signal, sys
from pathlib import Path
from syncd.store.embedded import EmbeddedPostgresError, join

async def main():
    try:
        member = await join(Path(sys.argv[1]))
    except EmbeddedPostgresError as error:
        print("error:", error, flush=True)
        return
    print(member.dsn, flush=True)
    sys.stdin.read()
    await member.close()

signal.signal(signal.SIGINT, signal.SIG_DFL)
asyncio.run(main())
"""

    def __init__(self, data_dir: Path, uid: int | None) -> None:
        interpreter = sys.executable if uid is None else interpreter_for(uid)
        paths = [str(CHECKOUT), sysconfig.get_path("purelib"), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [interpreter, "-c", self.PROGRAM, str(data_dir)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            user=uid, group=uid, extra_groups=None if uid is None else [],
        )  # fmt: skip

    @functools.cached_property
    def dsn(self) -> str:
        """Waits until it has joined, no longer than join itself does."""
        assert self.process.stdout is not None
        said: str = self.process.stdout.readline().strip()
        assert said.startswith("postgresql://"), said
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(DEADLINE_S)
        self.process.stdout.close()


def interpreter_for(uid: int) -> str:
    """A Python that this user can run: the one of a developer's environment often lies in a closed home."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            tried = subprocess.run(
                [candidate, "-c", f"import sys; sys.path.append({str(CHECKOUT)!r}); import syncd.store.embedded"],
                user=uid, group=uid, extra_groups=[], capture_output=True,
            )  # fmt: skip
            if tried.returncode == 0:
                return candidate
    pytest.skip(f"user {uid} can reach no Python 3.11 with syncd here")


def processes_of(data_dir: Path) -> dict[int, list[bytes]]:
    """Process ids and commands of all that run for a data folder, Postgres' sessions included."""
    found: dict[int, list[bytes]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            command = (process / "cmdline").read_bytes()
            inside = Path(os.readlink(process / "cwd")).is_relative_to(data_dir)
            if command and (inside or os.fsencode(f"{data_dir}/") in command or json_of(data_dir) in command):
                found[int(process.name)] = command.rstrip(b"\0").split(b"\0")
    return found


def json_of(data_dir: Path) -> bytes:
    return json.dumps(str(data_dir)).encode()


def supervisors_of(data_dir: Path) -> list[int]:
    return [pid for pid, command in processes_of(data_dir).items() if b"syncd.store.embedded" in command]


def postmaster_of(data_dir: Path) -> int | None:
    """The first process of Postgres; None while there is none."""
    for pid, command in processes_of(data_dir).items():
        if command[0].endswith(b"/postgres") and b"--single" not in command:
            return pid
    return None


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, otherwise
        await asyncio.sleep(0.01)


async def until_nobody_is_left(data_dir: Path) -> None:
    """Wait until no process of ours is left, and the lock says the same (a dying process lets go of it last)."""
    await until(lambda: not processes_of(data_dir) and lock_is_free(data_dir), "processes were left behind")


def lock_is_free(data_dir: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), (data_dir / "postgres.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def socket_folder(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


def accepts(control: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(control))
        except OSError:
            return False
        return True


def namespaces_refused(uid: int) -> str | None:
    """Why this user cannot make a user namespace here; None when he can."""
    program = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000) != 0)"
    tried = subprocess.run([interpreter_for(uid), "-c", program], user=uid, group=uid, extra_groups=[])
    return "user namespaces are forbidden here" if tried.returncode else None


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def owner_of(path: Path) -> int:
    return path.stat().st_uid
