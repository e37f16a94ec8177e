"""The generator, a process of its own: reads a `Job` on stdin, writes `Said` on stdout, JSON, one message a line.

    python -m load.generator < job.json

It ends by itself; SIGINT and SIGTERM end it at once. `load.bench` is who starts it.
"""

from __future__ import annotations

import asyncio
import gc
import sys

import msgspec
import uvloop

from load.generator.job import Failed, Job, Said
from load.generator.runs import run


def _say(what: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


def main() -> int:
    try:
        job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    except msgspec.DecodeError as error:
        print(f"no job on stdin: {error}", file=sys.stderr)
        return 2
    # Nothing here makes cycles, and a collection over all that a run keeps stops it for many milliseconds.
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            _say(runner.run(run(job, _say)))
    except (OSError, TimeoutError) as error:
        _say(Failed(f"{type(error).__name__}: {error}"))
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
