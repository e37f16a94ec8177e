"""What those who watch a process ask it: `/healthz`, `/readyz`, `/metrics`.

The API serves them beside everything else. Processes of other roles, which have no HTTP otherwise, serve them alone on
a listener of their own (`SYNCD_METRICS_PORT`), which nobody but the operators' own network should reach.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import syncd
from syncd.api.answers import Json
from syncd.api.exposition import CONTENT_TYPE, exposition
from syncd.api.services import ProbeServices


def probe_routes(services: ProbeServices) -> Sequence[Route]:
    """The three routes; two where metrics are turned off."""

    async def alive(request: Request) -> Response:
        return Json({"alive": True, "version": syncd.__version__})

    async def ready(request: Request) -> Response:
        readiness = await services.readiness()
        reasons = readiness.reasons()
        facts = {
            "ready": not reasons,
            "reasons": reasons,
            "draining": readiness.draining,
            "database": readiness.database_error or "ok",
            "log": readiness.log_error or "ok",
            "migrations_pending": readiness.migrations_pending,
            "lag_records": readiness.lag_records,
        }
        return Json(facts, 503 if reasons else 200)

    async def metrics(request: Request) -> Response:
        headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store"}
        return Response(exposition(services.metrics), headers=headers)

    routes = [Route("/healthz", alive), Route("/readyz", ready)]
    return [*routes, Route("/metrics", metrics)] if services.serves_metrics else routes
