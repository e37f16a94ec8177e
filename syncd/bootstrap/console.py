"""The operators' console of a process: figures of all processes, and a back room where questions are answered.

Reading a stream from its beginning, or folding it, keeps a loop busy for tens of ms at a time. In `syncd serve` that
loop is also the gateway's. So what operators ask is worked on in a thread with a loop and connections of its own,
opened at the first question: a process whose console nobody uses pays for nothing but its figures.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TypeVar

import uvloop

from syncd.api.console_services import ConsoleServices
from syncd.bootstrap.deployment import Deployment, open_deployment
from syncd.bootstrap.figures import OwnFigures
from syncd.errors import ShuttingDown
from syncd.logs import get_logger
from syncd.operations.console.desk import Desk
from syncd.operations.console.documents import encoded
from syncd.operations.console.jobs import Jobs
from syncd.operations.console.panel import REPORT_TTL_S, Panel

T = TypeVar("T")
CLOSE_S = 10.0
"""For a job that is cancelled to let go of what it holds; then the process ends with it."""

log = get_logger("console")


@asynccontextmanager
async def open_console(deployment: Deployment, own: OwnFigures) -> AsyncIterator[tuple[ConsoleServices, Panel]]:
    """The console's services, for as long as the block lasts. Jobs that run at its end are cancelled."""
    panel = Panel(
        own.process,
        own.roles,
        own,
        lambda: deployment.store.processes(ttl_s=REPORT_TTL_S),
        deployment.clock,
    )
    loop = asyncio.get_running_loop()
    room = BackRoom(deployment, lambda jobs: loop.call_soon_threadsafe(panel.show_jobs, jobs))
    sampling = asyncio.create_task(panel.run(), name="console-panel")
    try:
        yield (
            ConsoleServices(
                operators=deployment.operators,
                at_desk=room.ask,
                panel=panel,
                clock=deployment.clock,
                is_open=deployment.config.console == "open",
            ),
            panel,
        )
    finally:
        panel.close()
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
        await room.close()


class BackRoom:
    """A thread with a desk in it, opened at the first question.

    Args:
        on_jobs: called in that thread, with all jobs as JSON, when one of them changed.
    """

    def __init__(self, deployment: Deployment, on_jobs: Callable[[bytes], object]) -> None:
        # The same database, whoever supervises it; everything in it was made when we were opened.
        self._config = replace(deployment.config, database_url=deployment.dsn)
        self._on_jobs = on_jobs
        self._thread: threading.Thread | None = None
        self._opened: Future[Desk] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._closed = False

    async def ask(self, question: Callable[[Desk], Awaitable[Mapping[str, object]]]) -> bytes:
        """The answer as JSON. Cancelled, the question is given up.

        Raises:
            What the desk raises.
            ConfigError, Unavailable: the room could not be opened; the next question tries again.
        """
        if self._closed:
            raise ShuttingDown("this process is about to stop")
        if self._thread is None:
            self._opened = Future()
            self._thread = threading.Thread(target=self._run, args=(self._opened,), name="console")
            self._thread.start()
        desk = await asyncio.shield(asyncio.wrap_future(self._opened))
        assert self._loop is not None, "a desk stands in a loop"

        async def answer() -> bytes:
            return encoded(await question(desk))

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(answer(), self._loop))

    async def close(self) -> None:
        """Cancel what is asked and what runs, and end the thread."""
        self._closed = True
        thread = self._thread
        if thread is None:
            return
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(thread.join, CLOSE_S)

    def _run(self, opened: Future[Desk]) -> None:
        """The thread."""
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._live(opened))
        except Exception as error:
            if opened.done():
                log.error("bug", exc_info=error)
            else:
                opened.set_exception(error)
        finally:
            self._thread = None

    async def _live(self, opened: Future[Desk]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with open_deployment(self._config, migrating=False) as deployment:
            jobs = Jobs(deployment.operators, deployment.clock, self._on_jobs)
            opened.set_result(
                Desk(
                    deployment.log,
                    deployment.store,
                    deployment.rebuilds,
                    deployment.accounts,
                    deployment.operators,
                    deployment.clock,
                    jobs,
                )  # fmt: skip
            )
            try:
                await self._stop.wait()
            finally:
                await jobs.close()
