"""Pages of other hosts that `SYNCD_ORIGINS` names may ask what listeners ask: `/v1/...`, and nothing else.

They may open sockets by the same setting (`gateway.handshake`). Errors carry the headers too: a player must tell
a revoked login from a network that is away. Of the console no other site hears anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

REMEMBERED_S: Final = 600
"""How long a browser need not ask again whether it may ask."""


class CrossOrigin:
    """A layer around the whole application, the guard included.

    Args:
        origins: whole ones, as `https://player.example`.
    """

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app, allow_origins=origins, allow_methods=("GET", "POST", "DELETE"), allow_headers=("authorization",),
            max_age=REMEMBERED_S,
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._shared if scope["type"] == "http" and scope["path"].startswith("/v1/") else self._app
        await app(scope, receive, send)
