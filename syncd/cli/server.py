"""Running roles until somebody says stop: what `serve`, `gateway`, `projector` and `api` share."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from syncd.cli import exit_codes, output

if TYPE_CHECKING:
    from syncd.bootstrap import Running
    from syncd.config import Config

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a supervisor's stop, a terminal that was closed."""


def run_server(config: Config, roles: frozenset[str], welcome: Callable[[Running], Awaitable[None]]) -> None:
    """Run roles of this process until a signal stops them, then drain.

    The first signal asks to stop; a second one ends the process at once, which loses nothing that was acked.

    Args:
        welcome: awaited when the roles are ready, beside them; says what to do with them.
    """
    from syncd import bootstrap
    from syncd.logs import configure_logs

    configure_logs(form=config.log_format, level=config.log_level)

    async def main() -> None:
        stop, running = asyncio.Event(), asyncio.get_running_loop().create_future()
        _obey_signals(stop)

        async def greet() -> None:
            await welcome(await running)
            output.flush()

        greeting = asyncio.create_task(greet(), name="welcome")
        serving = asyncio.create_task(
            bootstrap.run_roles(config, roles, on_ready=running.set_result, stop=stop, on_progress=output.note)
        )
        try:
            # A welcome that fails, as when its reader has gone, ends the server like any other of its parts.
            await asyncio.wait((greeting, serving), return_when=asyncio.FIRST_COMPLETED)
            if greeting.done() and greeting.exception() is not None:
                stop.set()
            await serving
            if greeting.done():
                greeting.result()
        finally:
            greeting.cancel()
            stop.set()
            await asyncio.gather(greeting, serving, return_exceptions=True)

    bootstrap.run(main())


def _obey_signals(stop: asyncio.Event) -> None:
    def obey() -> None:
        if stop.is_set():
            os._exit(exit_codes.INTERRUPTED.code)
        output.note("syncd: stopping; once more ends it at once")
        stop.set()

    for number in STOP_SIGNALS:
        if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
            continue  # started under nohup, to outlive its terminal
        asyncio.get_running_loop().add_signal_handler(number, obey)
