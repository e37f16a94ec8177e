"""Members of the embedded Postgres: of this process, and processes of their own."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import asyncpg
import pytest

from syncd.store.embedded import EmbeddedPostgres
from syncd.testing.patience import PATIENCE_S

DEADLINE_S = PATIENCE_S
CHECKOUT = Path(__file__).parents[3]


async def execute(member: EmbeddedPostgres, sql: str) -> None:
    await fetch(member, sql)


async def fetch(member: EmbeddedPostgres, sql: str) -> Any:
    connection = await asyncpg.connect(member.dsn, timeout=DEADLINE_S)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@contextlib.contextmanager
def member_process(data_dir: Path, *, uid: int | None = None) -> Iterator[MemberProcess]:
    with MemberProcess(data_dir, uid) as member:
        assert member.dsn
        yield member


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
