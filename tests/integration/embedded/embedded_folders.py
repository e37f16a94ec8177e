"""Folders for the embedded Postgres to work in, and what can be seen of them from outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from embedded_members import execute
from embedded_processes import kill, supervisors_of, until_nobody_is_left

from syncd.store.embedded import join
from syncd.store.embedded.identity import RunAs
from syncd.testing.server_process import processes_of


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


def socket_folder(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def owner_of(path: Path) -> int:
    return path.stat().st_uid
