"""How the API answers, and how it refuses: one form for programs, one for people, never a traceback."""

from __future__ import annotations

from html import escape
from string import Template
from typing import Final

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response

from syncd.api.policies import PAGE_POLICY
from syncd.errors import (
    Conflict,
    Forbidden,
    LimitExceeded,
    NotFound,
    PositionLost,
    Refused,
    SyncdError,
    Unauthenticated,
    Unavailable,
)

RETRY_AFTER_S: Final = 1
"""What a 503 asks for; our own clients spread their return by themselves."""
_STATUS: Final[tuple[tuple[type[SyncdError], int], ...]] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (LimitExceeded, 413),
    (Refused, 400),
    (Unavailable, 503),
    (
        PositionLost,
        503,
    ),  # the log lives another life than this process knows of: it serves again when it is started anew
)
"""First match wins. Errors of other families are our own faults and are not shown."""

# Paths that people open in a browser; everybody else gets JSON.
_FOR_PROGRAMS: Final = ("/v1", "/console/api", "/healthz", "/readyz", "/metrics")

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - syncd</title>
<link rel="stylesheet" href="/static/base.css">
<link rel="stylesheet" href="/static/docs.css">
<body class="plain">
<main>
<h1>$title</h1>
<p>$message</p>
<p><a href="/">To the player</a> · <a href="/docs">Documentation</a></p>
</main>
</body>
</html>
""")


class Json(Response):
    """A value as JSON. Nobody keeps it: it is true now."""

    media_type = "application/json"

    def __init__(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(value, status, {"cache-control": "no-store", **(headers or {})})

    def render(self, content: object) -> bytes:
        return orjson.dumps(content)


def refusal(path: str, status: int, *, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error, as JSON where programs ask and as a page where people do."""
    if path.startswith(_FOR_PROGRAMS):
        return Json({"error": {"code": code, "message": message}}, status, headers)
    title = "Not here" if status == 404 else "That did not work"
    text = _PAGE.substitute(title=title, message=escape(message))
    dressed = {"cache-control": "no-store", "content-security-policy": PAGE_POLICY, **(headers or {})}
    return Response(text, status, dressed, "text/html")


def refusal_of(path: str, error: SyncdError) -> Response | None:
    """The answer to an error that a caller may see; None for one that is our own fault."""
    for family, status in _STATUS:
        if isinstance(error, family):
            headers = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": str(RETRY_AFTER_S)}}.get(status)
            return refusal(path, status, code=error.code, message=str(error), headers=headers)
    return None


def bearer_token(headers: Headers) -> str | None:
    """The token of an `Authorization: Bearer` header; None when there is none of that form."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token else None
