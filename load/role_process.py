"""One role of syncd as a process of its own, that can be killed, frozen, told to stop, and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0


class RoleProcess:
    """`syncd gateway`, `syncd projector` or `syncd api`; its command, and with it its port, stays the same.

    Args:
        options: the command behind `syncd`, without `--json`.
        settings: `SYNCD_…` variables; those of whoever runs us are for their own server.
    """

    def __init__(self, name: str, options: Sequence[str], *, settings: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "syncd.cli", *options, "--json"]
        self._environment = environment_with(settings)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    async def start(self) -> None:
        """Start it, and wait for its word that it is ready."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=self._environment, start_new_session=True,
            )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(READY_TIMEOUT_S):
            if not await self._process.stdout.readline():
                raise RuntimeError(f"{self.name} ended with {await self._process.wait()}: {self.said()[-2_000:]}")

    async def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, and wait for its end; its exit code. One that does not end is killed, and its code tells."""
        return await self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: its connections stay, and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def said(self) -> str:
        """What it wrote on stderr, over all its lives."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    async def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(how)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """This process' environment with `SYNCD_…` variables in place of those that it has itself."""
    return {**{key: value for key, value in os.environ.items() if not key.startswith("SYNCD_")}, **settings}
