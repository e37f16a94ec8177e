"""Long work that an operator began in the console: it goes on when the page is closed, tells how far it is, and can be
cancelled. Jobs live in the process that shows the console and end with it; what they were is among the operators' acts.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from syncd.clock import Clock
from syncd.errors import Conflict, NotFound, StoreUnavailable, SyncdError
from syncd.logs import get_logger
from syncd.model.canonical import Json
from syncd.operations.advance import Advance
from syncd.operators import Operators

KEPT: Final = 20
"""Jobs that are shown, those that have ended included."""
TOLD_EVERY_S: Final = 0.1
"""Between two words on how far a job is; its last word is always told."""

State = Literal["running", "done", "failed", "cancelled"]
Work = Callable[[Advance], Awaitable[dict[str, Json]]]
"""Does the job; its result as JSON, in which `says` is the sentence for the acts."""

log = get_logger("console")


@dataclass(slots=True, kw_only=True)
class Job:
    """`done`, `of`: in `unit`; both 0 until the first word. `error`: public text, for one that failed."""

    job: str
    kind: str
    what: str
    operator: str
    unit: str
    started_ms: int
    ended_ms: int | None = None
    state: State = "running"
    done: int = 0
    of: int = 0
    result: dict[str, Json] | None = None
    error: str = ""


class Jobs:
    """At most one of each kind runs at a time.

    Args:
        on_change: called with all jobs as JSON, newest first, when one of them began, went on or ended.
    """

    def __init__(self, operators: Operators, clock: Clock, on_change: Callable[[bytes], object]) -> None:
        self._operators = operators
        self._clock = clock
        self._on_change = on_change
        self._jobs: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._told_s = 0.0

    async def start(self, kind: str, what: str, *, unit: str, operator: str, work: Work) -> Job:
        """Begin a job, once it is written down who began it.

        Raises:
            Conflict: one of this kind runs already.
            StoreUnavailable: it could not be written down; nothing was begun.
        """
        for job in self._jobs.values():
            if job.kind == kind and job.state == "running":
                raise Conflict(f"a {kind} begun by {job.operator} is running here already: cancel it, or wait for it")
        job = Job(
            job=secrets.token_hex(6), kind=kind, what=what, operator=operator, unit=unit,
            started_ms=self._clock.now_ms(),
        )  # fmt: skip
        self._jobs[job.job] = job
        try:
            await self._operators.note(operator, what, "begun")
        except BaseException:
            del self._jobs[job.job]
            raise
        self._forget_old()
        self._running[job.job] = asyncio.create_task(self._run(job, work), name=f"console-{kind}")
        self._tell()
        return job

    async def cancel(self, job_id: str, *, operator: str) -> Job:
        """End a running job; one that has ended stays as it is. Returns when it has ended.

        Raises:
            NotFound: there is no such job here.
            StoreUnavailable: it could not be written down; the job goes on.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise NotFound(f"no job {job_id[:40]!r} is known here; jobs end with the process that ran them")
        task = self._running.get(job_id)
        if task is not None:
            await self._operators.note(operator, f"cancel: {job.what}", "asked")
            task.cancel()
            await asyncio.wait((task,))
        return job

    async def close(self) -> None:
        """Cancel what runs."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Job, work: Work) -> None:
        def advance(done: int, of: int) -> None:
            job.done, job.of = done, of
            now_s = self._clock.monotonic_s()
            if done >= of or now_s - self._told_s >= TOLD_EVERY_S:
                self._told_s = now_s
                self._tell()

        try:
            job.result = await work(advance)
            job.state = "done"
            says = str(job.result["says"])
        except asyncio.CancelledError:
            job.state, says = "cancelled", "cancelled"
        except SyncdError as error:
            job.state, job.error = "failed", str(error)
            says = f"failed: {error}"
        except Exception as error:
            log.error("bug", exc_info=error)
            job.state, job.error = "failed", "a bug; what it was stands in the server's log"
            says = "failed: a bug"
        job.ended_ms = self._clock.now_ms()
        del self._running[job.job]
        self._tell()
        log.info("operator_acted", operator=job.operator, what=job.what, outcome=says)
        try:
            await self._operators.note(job.operator, job.what, says)
        except StoreUnavailable as error:  # what was done is done; the line above tells of it
            log.error("act_not_noted", operator=job.operator, what=job.what, code=error.code, error=str(error))

    def _forget_old(self) -> None:
        for job in list(self._jobs.values())[:-KEPT]:
            if job.state != "running":
                del self._jobs[job.job]

    def _tell(self) -> None:
        self._on_change(msgspec.json.encode(list(reversed(self._jobs.values()))))
