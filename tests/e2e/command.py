"""The command `syncd`, as people and scripts run it: processes, pipes, signals, exit codes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

DEADLINE_S = 120.0
"""For one command on a machine that is busy with other tests."""
COMMAND = (sys.executable, "-m", "syncd.cli")


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """One document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Shell:
    """A folder to stand in, and variables that are set there; `SYNCD_` ones of our own process are not."""

    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: str, stdin: str = "", expect: int | None = 0) -> Ran:
        """Run a command to its end; `expect` is its exit code, None for any. It must never show a traceback."""
        ended = subprocess.run(
            [*COMMAND, *arguments], input=stdin, capture_output=True, text=True, timeout=DEADLINE_S,
            cwd=self.folder, env=self.environment(),
        )  # fmt: skip
        ran = Ran(ended.returncode, ended.stdout, ended.stderr)
        told = f"syncd {' '.join(arguments)} ended with {ran.code}\n{ran.out}\n{ran.err}"
        assert "Traceback" not in ran.err, told
        assert expect in (None, ran.code), told
        return ran

    def refused(self, *arguments: str, code: int) -> str:
        """Run a command that must fail so; the one line it says."""
        ran = self.run(*arguments, expect=code)
        assert ran.out == ""
        (line,) = ran.err.splitlines()
        assert line.startswith("syncd: ")
        return line.removeprefix("syncd: ")

    @contextmanager
    def started(self, *arguments: str) -> Iterator[Process]:
        """A command that goes on until it is stopped, at the latest at the end of the block."""
        process = Process(
            subprocess.Popen(
                [*COMMAND, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, cwd=self.folder, env=self.environment(),
            )
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()

    def environment(self) -> dict[str, str]:
        """What commands see here."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
        return {**inherited, **self.variables}


class Process:
    """A running command; its stdout and stderr are read as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._said: list[str] = []
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read_out, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._read_err, args=(process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_out(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_err(self, stream: IO[str]) -> None:
        self._said.extend(stream)

    def line(self) -> str:
        """The next line of stdout."""
        line = self._lines.get(timeout=DEADLINE_S)
        assert line is not None, f"it ended with {self._process.wait(DEADLINE_S)}: {''.join(self._said)}"
        return line

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and wait for its exit code."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        return self._process.wait(DEADLINE_S)

    @property
    def err(self) -> str:
        """What it said on stderr, when it has ended."""
        self._readers[1].join(DEADLINE_S)
        return "".join(self._said)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(DEADLINE_S)
        for reader in self._readers:
            reader.join(DEADLINE_S)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
