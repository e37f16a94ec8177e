"""The HTTP application: its routes, and what each answers.

    /             the page                              /healthz      this process runs
    /docs         how to connect, messages, commands    /readyz       it should get traffic
    /static/...   the page's files                      /metrics      its numbers, for Prometheus
    /v1/connect   the gateway to use                    /v1/state     all views of the caller's account
    /v1/devices   link and sign out devices             /console/...  the operators' console (`api.console`)

What else listeners ask is read with GET: their state changes only through the socket. `/v1/connect` names the gateway
that owns the partition of the caller's account, when there is a token, and none that the caller could not reach
(`?avoid=<url>`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.api.answers import Json, bearer_token, refusal
from syncd.api.console import console_routes
from syncd.api.cross_origin import CrossOrigin
from syncd.api.device_routes import DeviceRoutes, account_of
from syncd.api.docs_page import docs_page
from syncd.api.gateway_url import gateway_urls
from syncd.api.guard import Guard
from syncd.api.policies import PAGE_POLICY, SCRIPTED_PAGE_POLICY
from syncd.api.probes import probe_routes
from syncd.api.services import ApiServices, ProbeServices
from syncd.api.web_files import WebFiles
from syncd.errors import Unauthenticated, Unavailable
from syncd.protocol.version import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK

HINT_TIMEOUT_S = 1.5
"""How long `/v1/connect` looks for the caller's account: any gateway will do."""


def create_app(services: ApiServices) -> Starlette:
    """The application over these services. It starts and stops nothing by itself."""
    api = _Api(services)
    routes = [
        Route("/", api.page),
        Route("/docs", api.docs),
        Route("/static/{name:path}", api.static),
        Route("/v1/connect", api.connect),
        Route("/v1/state", api.state),
        *DeviceRoutes(services).routes(),
        *probe_routes(services.probes),
    ]
    if services.console is not None:
        routes += console_routes(services.console, api.console_page)
    return _application(routes, services.probes, services.origins)


def create_probe_app(services: ProbeServices) -> Starlette:
    """The application of a process without the API role: health and metrics."""
    return _application(probe_routes(services), services)


def _application(routes: Sequence[Route], services: ProbeServices, origins: Sequence[str] = ()) -> Starlette:
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(CrossOrigin, origins=origins),
            Middleware(Guard, metrics=services.metrics, clock=services.clock),
        ],
        exception_handlers={HTTPException: _not_served},
    )
    app.router.redirect_slashes = False  # A redirect would repeat the Host header, which is client text.
    return app


class _Api:
    """The routes' answers."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._files = WebFiles()
        self._page = self._files.named("index.html")
        self.console_page = self._files.named("console.html")
        self._docs = self._files.page(docs_page(list_items_max=services.list_items_max))

    async def page(self, request: Request) -> Response:
        sockets = " ".join(await self._gateway_urls(request, None))
        policy = f"{SCRIPTED_PAGE_POLICY} {sockets}"
        return self._page.answer(request.headers, content_security_policy=policy)

    async def docs(self, request: Request) -> Response:
        return self._docs.answer(request.headers, content_security_policy=PAGE_POLICY)

    async def static(self, request: Request) -> Response:
        found = self._files.static(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        file, forever = found
        return file.answer(request.headers, forever=forever)

    async def connect(self, request: Request) -> Response:
        urls = await self._gateway_urls(request, await self._account_if_known(request))
        avoid = set(request.query_params.getlist("avoid"))
        url = next((url for url in urls if url not in avoid), urls[0])
        return Json({"url": url, "subprotocols": [SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK]})

    async def state(self, request: Request) -> Response:
        return Json(await self._services.account_state(await account_of(self._services, request)))

    async def _account_if_known(self, request: Request) -> str | None:
        """The account of the caller's token, for a better answer; who may come in is for the gateway to say."""
        if bearer_token(request.headers) is None:
            return None
        try:
            async with asyncio.timeout(HINT_TIMEOUT_S):
                return await account_of(self._services, request)
        except (Unauthenticated, Unavailable, TimeoutError):
            return None

    async def _gateway_urls(self, request: Request, account: str | None) -> list[str]:
        services = self._services
        host = request.headers.get("host", "")
        gateways = await services.gateways(account)
        return gateway_urls(host, gateways, ws_port=services.ws_port, public_ws_url=services.public_ws_url)


async def _not_served(request: Request, error: Exception) -> Response:
    """No such path, or no such method on it."""
    assert isinstance(error, HTTPException)
    methods = (error.headers or {}).get("Allow", "GET, HEAD")
    path = request.url.path
    if error.status_code == 405:
        allowed = ", ".join(sorted(methods.split(", ")))
        message = f"{request.method} is not served here; this path takes {allowed}"
        return refusal(path, 405, code="method", message=message, headers={"allow": allowed})
    return refusal(path, error.status_code, code="not_found", message=f"nothing is served at {path[:200]}")
