"""The HTTP server: uvicorn inside a loop that runs already, on sockets of our own, stopped by an event.

Signals belong to the process, not to one of its servers, so this one installs no handlers. Stopping closes the
listeners, lets requests under way finish for `limits.HTTP_STOP_TIMEOUT_S`, then cuts them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator

import uvicorn
from starlette.types import ASGIApp

from syncd.api.guarded_http import GuardedHttp
from syncd.api.sockets import BACKLOG, bind
from syncd.limits import HTTP_CONNECTIONS_MAX, HTTP_KEEP_ALIVE_S, HTTP_STOP_TIMEOUT_S


class HttpListeners:
    """The HTTP listeners of a process, each with its application; they end together, at `stop`."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.serving: list[asyncio.Task[None]] = []

    async def start(self, app: ASGIApp, host: str, port: int, *, setting: str) -> int:
        """Serve an application until `stop`; its port, once connections are accepted. As `serve_http`."""
        bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve_http(app, host=host, port=port, setting=setting, stop=self.stop, on_bound=bound.set_result)
        )
        self.serving.append(serving)
        await asyncio.wait((bound, serving), return_when=asyncio.FIRST_COMPLETED)
        if not bound.done():
            serving.result()
        return bound.result()


async def serve_http(
    app: ASGIApp, *, host: str, port: int, setting: str, stop: asyncio.Event, on_bound: Callable[[int], None]
) -> None:
    """Serve until `stop` is set, or until cancelled; either way no socket stays open.

    Args:
        port: 0 takes any free one.
        setting: the name of the port's setting, for the error's text.
        on_bound: called once with the port, when connections are accepted.

    Raises:
        ConfigError: the host or the port cannot be used.
    """
    sockets = await bind(host, port, setting=setting)
    config = uvicorn.Config(
        app,
        http=GuardedHttp,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=HTTP_CONNECTIONS_MAX,
        timeout_keep_alive=int(HTTP_KEEP_ALIVE_S),
        timeout_graceful_shutdown=int(HTTP_STOP_TIMEOUT_S),
    )
    server = _Server(config, on_bound)
    stopping = asyncio.create_task(_stop_at(stop, server), name="http-stop")
    try:
        await server.serve(sockets)
    finally:
        stopping.cancel()
        server.close(sockets)


async def _stop_at(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn's server without signal handlers, which tells when it accepts."""

    def __init__(self, config: uvicorn.Config, on_bound: Callable[[int], None]) -> None:
        super().__init__(config)
        self.servers: list[asyncio.base_events.Server] = []
        self._on_bound = on_bound

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets is not None
        self._on_bound(sockets[0].getsockname()[1])

    def close(self, sockets: list[socket.socket]) -> None:
        """Let go of what is open still: all of it when we were cancelled, else what outstayed the deadline."""
        for server in self.servers:
            server.close()
        for bound in sockets:
            bound.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in self.server_state.tasks:
            task.cancel()
