"""One run of the generator, as its own process on its own core."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO

import msgspec

from load.generator.job import Failed, Job, Outcome, Said, Step


class GeneratorFailed(Exception):
    """Nothing was measured; says why."""


def generate(job: Job, *, core: int | None, tell: Callable[[Step], None]) -> Outcome:
    """Carry out a job; blocks until its outcome is there. Raises `GeneratorFailed`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "load.generator"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        start_new_session=True, preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(BrokenPipeError):  # it has ended already, and its output tells why
            process.stdin.write(msgspec.json.encode(job))
            process.stdin.close()
        return _outcome(process.stdout, tell)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _outcome(stdout: IO[bytes], tell: Callable[[Step], None]) -> Outcome:
    decoder = msgspec.json.Decoder(Said)
    for line in stdout:
        said = decoder.decode(line)
        if isinstance(said, Outcome):
            return said
        if isinstance(said, Failed):
            raise GeneratorFailed(said.reason)
        tell(said)
    raise GeneratorFailed("the generator ended without an outcome")
