"""How far a process, and who answers it in Postgres, let others go first on processors that they share.

Linux compares sessions before it compares processes within one ("autogroups", sched(7)). A service has a session of its
own, and so has each backend of Postgres, so what counts is the niceness of sessions. Containers and control groups with
shares of their own come before both.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg

TRIES = 5
TRY_AGAIN_S = 0.12
"""Linux takes the niceness of a session from ordinary users once in 0.1 s, whoever of them asks."""

_backends = 0


def lower_backends(nice: int) -> None:
    """From now on, whoever answers a connection of this process gets this niceness, 0 to 19.

    Only for a Postgres on this machine, run by the same user or with us as root: the embedded one.
    """
    global _backends
    _backends = nice


async def lower_backend(connection: asyncpg.Connection[Any]) -> None:
    """Do that for a new connection."""
    if _backends:
        pid = connection.get_server_pid()
        with suppress(OSError):  # not ours
            os.setpriority(os.PRIO_PROCESS, pid, _backends)
        await lower_session(pid, _backends)


async def lower_session(pid: int, nice: int) -> None:
    """Give a session its niceness, by the process that leads it.

    Any other process is left alone, and so is a session that is not ours, or on a system that compares none.
    """
    with suppress(OSError):
        for _ in range(TRIES):
            if os.getsid(pid) != pid or _write(Path(f"/proc/{pid}/autogroup"), nice):
                return
            await asyncio.sleep(TRY_AGAIN_S)


def _write(autogroup: Path, nice: int) -> bool:
    """Whether Linux took it; it may the next time."""
    try:
        autogroup.write_text(str(nice), encoding="ascii")
    except BlockingIOError:
        return False
    return True
