"""What the projector folds in a processor second, and what a rebuild reads again, with syncd's own log and command."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from load.generator.job import Job, Outcome, Step
from load.generator.window import Window
from load.scenarios import Folding
from load.seeded_events import seeded
from syncd.bootstrap import Deployment, open_deployment
from syncd.config import Config
from syncd.limits import APPEND_RECORDS_MAX
from syncd.testing.quiet import until_projected

FOLD_TIMEOUT_S = 600.0


async def folding(job: Job, scenario: Folding, window: Window, tell: Callable[[Step], None]) -> Outcome:
    """See `Folding`. The generator writes the records into the log itself: no device could as fast."""
    if job.data_dir is None:
        raise ConnectionError(f"{job.adapter} folds nothing")
    async with open_deployment(Config(data_dir=Path(job.data_dir))) as work:
        window.open()
        began_s = time.monotonic()
        await _write(work, scenario.records, tell)
        await until_projected(work.log, work.store, timeout_s=FOLD_TIMEOUT_S)
        folded_s = time.monotonic() - began_s
        outcome = window.close()
    tell(Step("records rebuilt", 0, scenario.records))
    rebuilt, rebuild_cpu_s = await asyncio.to_thread(_rebuild, job.data_dir)
    projector_s = sum(spent_s for name, spent_s in outcome.cpu_s.items() if name in ("projector", "serve"))
    everybody_s = projector_s + outcome.cpu_s.get("postgres", 0.0)
    figures = {
        "records": float(scenario.records),
        "folded per s": round(scenario.records / folded_s),
        "folded per CPU s of the projector": round(scenario.records / projector_s),
        "folded per CPU s with Postgres, appends included": round(scenario.records / everybody_s),
        "rebuilt per CPU s of the command": round(rebuilt / rebuild_cpu_s),
    }
    return replace(outcome, figures=figures)


async def _write(work: Deployment, count: int, tell: Callable[[Step], None]) -> None:
    records, done = seeded(count), 0
    while part := list(islice(records, APPEND_RECORDS_MAX)):
        for answer in await work.log.append(part):
            if answer.outcome != "written":
                raise ConnectionError(f"an append was {answer.outcome}: {answer.reason}")
        done += len(part)
        tell(Step("records written", done, count))


def _rebuild(data_dir: str) -> tuple[int, float]:
    """`syncd rebuild` as an operator runs it: records read, and processor seconds, those of its start included."""
    command = [sys.executable, "-m", "syncd.cli", "rebuild", "--json", "--data-dir", data_dir]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise ConnectionError(f"syncd rebuild ended with {process.returncode}")
    return int(json.loads(said)["records"]), usage.ru_utime + usage.ru_stime
