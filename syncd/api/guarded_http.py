"""uvicorn's HTTP protocol, with the deadlines and the bound that it lacks.

By itself it holds half a request's head for ever, lets a head grow without end, and waits for ever for a peer that does
not read the answer. Here a connection is in one phase, and each phase ends by itself:

    HEAD     until a request's head is whole: within limits.HTTP_HEAD_TIMEOUT_S and limits.HTTP_HEAD_BYTES_MAX
    ANSWER   until the application has answered; nothing more is read meanwhile, since no request here has a body
    IDLE     until the answer is read and the next request begins; uvicorn's keep-alive timer mostly ends it before ours

Past its deadline the transport is aborted.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from syncd.limits import HTTP_HEAD_BYTES_MAX, HTTP_HEAD_TIMEOUT_S, HTTP_REQUEST_TIMEOUT_S


class _Phase(Enum):
    HEAD = auto()
    ANSWER = auto()
    IDLE = auto()


_SECONDS = {
    _Phase.HEAD: HTTP_HEAD_TIMEOUT_S,
    # The application's own deadline comes first, so that a late answer is a 503 and not a broken connection.
    _Phase.ANSWER: HTTP_REQUEST_TIMEOUT_S + HTTP_HEAD_TIMEOUT_S,
    _Phase.IDLE: HTTP_REQUEST_TIMEOUT_S,
}


class GuardedHttp(HttpToolsProtocol):
    """See the module."""

    _phase = _Phase.IDLE
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._enter(_Phase.HEAD)

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.IDLE:
            self._enter(_Phase.HEAD)
        self._head_bytes += len(data)
        super().data_received(data)
        if self._phase is _Phase.HEAD and self._head_bytes > HTTP_HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refuse_head()

    def on_headers_complete(self) -> None:
        self._enter(_Phase.ANSWER)
        self.flow.pause_reading()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.pipeline and self.cycle.response_complete:
            self._enter(_Phase.IDLE)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _enter(self, phase: _Phase) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._phase = phase
        self._head_bytes = 0
        self._deadline = self.loop.call_later(_SECONDS[phase], self.transport.abort)

    def _refuse_head(self) -> None:
        text = b"the head of a request may have %d bytes" % HTTP_HEAD_BYTES_MAX
        head = b"content-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(text)
        self.transport.write(STATUS_LINE[431] + head + text)
        self.transport.close()
