"""The operators' console: its page, and what the page asks.

    /console                            the page
    /console/api/me                     who asks
    /console/api/live                   figures and jobs as they go, as server-sent events
    /console/api/accounts?q=            accounts whose name or id holds a text
    /console/api/account?account=       one of them: streams, devices
    /console/api/timeline?account=      who did what, and which write won
    /console/api/state?account=&at=     what its devices show, now or then
    /console/api/difference?account=&since=&until=
    /console/api/dead-letters           and /dead-letter?position=
    /console/api/acts                   what operators did
    POST /console/api/dead-letter/retry, /dead-letter/drop, /verify, /rebuild, /job/cancel

Everything of operators begins with /console, so that one line of a proxy's configuration shuts it. A request has no
body: what is asked stands in the query. Without an operator's token nothing answers but the page, which holds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import syncd
from syncd.api.answers import Json
from syncd.api.console_gate import ConsoleGate
from syncd.api.console_services import ConsoleServices, Desk, Document
from syncd.api.policies import SCRIPTED_PAGE_POLICY
from syncd.api.web_files import WebFile
from syncd.errors import Overloaded, Refused
from syncd.limits import (
    CONSOLE_PAGE_MAX,
    CONSOLE_READS_MAX,
    CONSOLE_STREAM_S,
    CONSOLE_STREAMS_MAX,
    CONSOLE_WAITING_MAX,
)

PAGE: Final = 100
"""Rows of an answer where the question names no number."""
TEXT_CHARS_MAX: Final = 400
"""Of one value in a question."""
_PREFIX: Final = "/console/api"
_UNKEPT: Final = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's values, read one by one. What is wrong with one is said with the value, as `Refused`."""

    operator: str
    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """None where it is not there, or empty."""
        return self.values.get(name) or None

    def needed(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if value is None:
            raise Refused(f"the question lacks `{name}`")
        return value

    def flag(self, name: str) -> bool:
        """`1` is yes; `0`, or nothing, is no."""
        value = self.values.get(name, "0")
        if value not in ("0", "1"):
            raise Refused(f"{name} is {value[:40]!r}; allowed: 0, 1")
        return value == "1"

    def number(self, name: str) -> int | None:
        """A whole number."""
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdecimal() and len(value) <= 15):
            raise Refused(f"{name} is {value[:40]!r}; allowed: a whole number")
        return int(value)

    @property
    def limit(self) -> int:
        """Rows of the answer."""
        limit = self.number("limit")
        if limit is not None and not 1 <= limit <= CONSOLE_PAGE_MAX:
            raise Refused(f"limit is {limit}; allowed: 1 to {CONSOLE_PAGE_MAX}")
        return PAGE if limit is None else limit


@dataclass(frozen=True, slots=True)
class Question:
    """What may be asked under a path. `names`: of the values it may have."""

    method: str
    path: str
    names: str
    ask: Callable[[Desk, Asked], Awaitable[Document]]


QUESTIONS: Final = (
    Question("GET", "accounts", "q after limit",
             lambda desk, asked: desk.find_accounts(
                 asked.text("q") or "", after=asked.text("after") or "", limit=asked.limit)),
    Question("GET", "account", "account", lambda desk, asked: desk.account(asked.needed("account"))),
    Question("GET", "timeline", "account stream device kind key lost before limit",
             lambda desk, asked: desk.timeline(
                 asked.needed("account"), stream=asked.text("stream"), device=asked.text("device"),
                 kind=asked.text("kind"), key=asked.text("key"), lost_only=asked.flag("lost"),
                 before=asked.text("before"), limit=asked.limit)),
    Question("GET", "state", "account at",
             lambda desk, asked: desk.state(asked.needed("account"), at=asked.text("at"))),
    Question("GET", "difference", "account since until",
             lambda desk, asked: desk.difference(
                 asked.needed("account"), since=asked.needed("since"), until=asked.text("until"))),
    Question("GET", "dead-letters", "account reason after limit",
             lambda desk, asked: desk.letters(
                 account=asked.text("account"), reason=asked.text("reason"), after=asked.text("after"),
                 limit=asked.limit)),
    Question("GET", "dead-letter", "position", lambda desk, asked: desk.letter(asked.needed("position"))),
    Question("GET", "acts", "before limit",
             lambda desk, asked: desk.acts(before=asked.number("before"), limit=asked.limit)),
    Question("POST", "dead-letter/retry", "position",
             lambda desk, asked: desk.retry_letter(asked.needed("position"), operator=asked.operator)),
    Question("POST", "dead-letter/drop", "position",
             lambda desk, asked: desk.drop_letter(asked.needed("position"), operator=asked.operator)),
    Question("POST", "verify", "account",
             lambda desk, asked: desk.start_verify(asked.text("account"), operator=asked.operator)),
    Question("POST", "rebuild", "account dry_run",
             lambda desk, asked: desk.start_rebuild(
                 asked.text("account"), dry_run=asked.flag("dry_run"), operator=asked.operator)),
    Question("POST", "job/cancel", "job",
             lambda desk, asked: desk.cancel_job(asked.needed("job"), operator=asked.operator)),
)  # fmt: skip


def console_routes(services: ConsoleServices, page: WebFile) -> Sequence[Route]:
    """All routes of the console."""
    console = _Console(services, page)
    return [
        Route("/console", console.page),
        Route(f"{_PREFIX}/me", console.me),
        Route(f"{_PREFIX}/live", console.live),
        *(Route(f"{_PREFIX}/{each.path}", console.answering(each), methods=[each.method]) for each in QUESTIONS),
    ]


class _Console:
    """The routes' answers."""

    def __init__(self, services: ConsoleServices, page: WebFile) -> None:
        self._services = services
        self._page = page
        self._gate = ConsoleGate(services)
        self._turns = asyncio.Semaphore(CONSOLE_READS_MAX)
        self._waiting = 0
        self._streams = 0

    async def page(self, request: Request) -> Response:
        self._gate.require_near(request)
        return self._page.answer(request.headers, content_security_policy=SCRIPTED_PAGE_POLICY)

    async def me(self, request: Request) -> Response:
        operator = await self._gate.admit(request)
        return (
            operator if isinstance(operator, Response) else Json({"operator": operator, "version": syncd.__version__})
        )

    async def live(self, request: Request) -> Response:
        operator = await self._gate.admit(request)
        if isinstance(operator, Response):
            return operator
        if self._streams >= CONSOLE_STREAMS_MAX:
            raise Overloaded(f"{self._streams} pages follow the figures already, at most {CONSOLE_STREAMS_MAX} may")
        return StreamingResponse(self._following(request), media_type="text/event-stream", headers=_UNKEPT)

    def answering(self, question: Question) -> Callable[[Request], Awaitable[Response]]:
        """The route of a question."""
        names = frozenset(question.names.split())

        async def answer(request: Request) -> Response:
            operator = await self._gate.admit(request)
            if isinstance(operator, Response):
                return operator
            asked = Asked(operator, _values(request, names))
            document = await self._in_turn(lambda desk: question.ask(desk, asked))
            return Response(document, media_type="application/json", headers=_UNKEPT)

        return answer

    async def _in_turn(self, ask: Callable[[Desk], Awaitable[Document]]) -> bytes:
        if self._waiting >= CONSOLE_WAITING_MAX:
            raise Overloaded(f"{self._waiting} questions of operators are waiting, at most {CONSOLE_WAITING_MAX} may")
        self._waiting += 1
        try:
            async with self._turns:
                return await self._services.at_desk(ask)
        finally:
            self._waiting -= 1

    async def _following(self, request: Request) -> AsyncIterator[bytes]:
        """Figures so far, then every sample and every change of a job, for `CONSOLE_STREAM_S`, or until the operator is
        revoked."""
        panel, clock = self._services.panel, self._services.clock
        until_s = clock.monotonic_s() + CONSOLE_STREAM_S
        number, jobs = panel.number, panel.jobs
        self._streams += 1
        try:
            yield _event("history", orjson.dumps(panel.history()))
            yield _event("sample", panel.sample)
            yield _event("jobs", jobs)
            while not panel.is_closed and (left_s := until_s - clock.monotonic_s()) > 0:
                await panel.news(timeout_s=left_s)
                if panel.number != number:
                    if not await self._gate.still_stands(request):
                        return
                    number = panel.number
                    yield _event("sample", panel.sample)
                if panel.jobs is not jobs:
                    jobs = panel.jobs
                    yield _event("jobs", jobs)
        finally:
            self._streams -= 1


def _event(name: str, data: bytes) -> bytes:
    """One server-sent event; JSON has no line ends of its own."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


def _values(request: Request, names: frozenset[str]) -> Mapping[str, str]:
    values = dict(request.query_params.multi_items())
    unknown = values.keys() - names
    if unknown:
        raise Refused(
            f"nothing is asked by {min(unknown)[:40]!r} here; allowed: {', '.join(sorted(names)) or 'nothing'}"
        )
    for name, value in values.items():
        if len(value) > TEXT_CHARS_MAX:
            raise Refused(f"{name} has {len(value)} characters; allowed: at most {TEXT_CHARS_MAX}")
    return values
