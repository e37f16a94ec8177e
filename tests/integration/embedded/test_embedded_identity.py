"""As whom the embedded Postgres runs: ordinary users, root in a namespace, root as somebody else."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
from pathlib import Path

import pytest
from embedded_folders import assert_works, copy_cluster, mode_of, own_folder, owner_of, socket_folder
from embedded_members import execute, fetch, interpreter_for, member_process
from embedded_processes import postmaster_of, until_nobody_is_left

from syncd.store.embedded import EmbeddedPostgresError, join
from syncd.store.embedded.binaries import find_binaries
from syncd.store.embedded.identity import OTHER_USERS, RunAs, choose_identity

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


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


def namespaces_refused(uid: int) -> str | None:
    """Why this user cannot make a user namespace here; None when he can."""
    program = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000) != 0)"
    tried = subprocess.run([interpreter_for(uid), "-c", program], user=uid, group=uid, extra_groups=[])
    return "user namespaces are forbidden here" if tried.returncode else None
