"""Who may open a socket: the HTTP half of a websocket, judged before anything else is read."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request

from syncd.protocol.public_text import public_text
from syncd.protocol.version import PATH

_TOKEN_NAMES = frozenset({"token", "access_token", "auth", "authorization", "key"})


def refusal(request: Request, *, origins: Collection[str]) -> tuple[HTTPStatus, str] | None:
    """Why this request gets no socket, or None.

    Args:
        origins: hosts (or whole origins) that pages may come from, besides the host that the request itself names.
    """
    # Cut by hand: what follows "//" is no host here, as it would be to `urlsplit`.
    path, _, query = request.path.partition("?")
    if path != PATH:
        return HTTPStatus.NOT_FOUND, f"no socket at {public_text(path)}; it is at {PATH}\n"
    if _TOKEN_NAMES & {name.lower() for name in parse_qs(query, keep_blank_values=True)}:
        return HTTPStatus.BAD_REQUEST, "a token in the URL ends up in logs and histories; send it in hello\n"
    origin_headers = request.headers.get_all("Origin")
    if origin_headers and not is_allowed(origin_headers, request.headers.get_all("Host"), origins):
        return (
            HTTPStatus.FORBIDDEN,
            f"pages of {public_text(origin_headers[0])} may not connect here; see SYNCD_ORIGINS\n",
        )
    return None


def is_allowed(origin_headers: list[str], host_headers: list[str], origins: Collection[str]) -> bool:
    """Ours is what has the same host name as the socket; HTTP has another listener, so ports may differ."""
    if len(origin_headers) != 1:
        return False
    origin = origin_headers[0]
    try:
        host = urlsplit(origin).hostname
        ours = urlsplit(f"//{host_headers[0]}").hostname if len(host_headers) == 1 else None
    except ValueError:
        return False
    return host is not None and (host == ours or host in origins or origin in origins)
