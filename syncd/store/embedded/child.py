"""A program that the supervisor runs as its child: Postgres itself, or initdb."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from syncd.store.embedded.identity import Identity

# How often an ending or a readiness is looked for. Nobody notices 10 ms, and a look costs microseconds.
POLL_S = 0.01


class Child:
    """A running program; it inherits the lock, so that the lock is free only when nothing of ours runs any more."""

    def __init__(self, identity: Identity, command: list[str | Path], *, lock: int, stdin: bytes = b"") -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            identity.command(*command), stdin=subprocess.PIPE, pass_fds=(lock,), cwd="/", env=_environment()
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
            pipe.write(stdin)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    async def ended_within(self, limit_s: float) -> bool:
        """Whether it has ended before the limit passed."""
        end = time.monotonic() + limit_s
        while self.exit_code is None:
            if time.monotonic() >= end:
                return False
            await asyncio.sleep(POLL_S)
        return True

    async def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Send one signal after the other, waiting for its seconds each time, until it has ended; at last SIGKILL."""
        for number, limit_s in steps:
            if self.exit_code is None:
                self._process.send_signal(number)
            if await self.ended_within(limit_s):
                return
        self._process.kill()
        # Not even SIGKILL ends a process inside a system call on a dead disk; then we go without it.
        await self.ended_within(1.0)


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT, PGOPTIONS and their kin would change what we run; LC_ALL settles language and order of what
    # the programs say, whatever the locale of the person who starts syncd.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}
