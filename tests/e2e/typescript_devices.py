"""Devices of the TypeScript SDK in a Node process of their own, told what to do from Python."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import syncd

MODULES: Final = Path(syncd.__file__).parent / "web" / "static" / "sdk"
"""As they are shipped in the Python package and checked in."""
DRIVER: Final = Path(__file__).with_name("typescript_driver.mjs")
ANSWER_TIMEOUT_S: Final = 60.0
"""For one piece of code; what it waits for has shorter deadlines of its own."""


class NodeDevices:
    """One Node process. What its code keeps in `kept` lives until the block ends, or until it is killed."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def run(self, code: str, **given: object) -> Any:
        """What the body of an async function returns; `given` are constants in it. What throws there, fails here."""
        constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
        assert self._process.stdin is not None
        id_ = len(self._answers)
        answer = self._answers[id_] = asyncio.get_running_loop().create_future()
        self._process.stdin.write((json.dumps({"id": id_, "code": constants + code}) + "\n").encode())
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            told = await answer
        assert "error" not in told, told["error"]
        return told.get("answer")

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._process.kill()
        await self._process.wait()

    def expect_start(self) -> asyncio.Future[dict[str, Any]]:
        """Answered when the process is there."""
        self._answers[0] = asyncio.get_running_loop().create_future()
        return self._answers[0]

    async def read(self) -> None:
        """Sort the answers, until the process ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            self._answers[told["id"]].set_result(told)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result({"error": "node ended; its words are above"})


@asynccontextmanager
async def node_devices() -> AsyncIterator[NodeDevices]:
    """Run Node for as long as the block lasts.

    Raises:
        FileNotFoundError: there is no Node on this machine.
    """
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("no `node` on this machine; the TypeScript SDK is tried where there is one")
    # Node 20 has the WebSocket of browsers behind a flag, later ones without.
    process = await asyncio.create_subprocess_exec(
        node, "--experimental-websocket", str(DRIVER), str(MODULES), stdin=PIPE, stdout=PIPE, limit=2**24
    )
    devices = NodeDevices(process)
    started = devices.expect_start()
    reading = asyncio.create_task(devices.read())
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await started
        yield devices
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
