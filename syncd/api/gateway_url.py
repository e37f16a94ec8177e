"""Where gateways are, as seen by the one who asks.

A phone that reached us at `192.168.1.5:8080` reaches the gateway at `192.168.1.5:8081`: the host comes from its own
request. The Host header is client text and ends up in a URL and in a security policy, so only what can be a host name
or an address passes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from syncd.api.services import GatewayAddress
from syncd.errors import Refused
from syncd.protocol.version import PATH

# Labels of letters, digits, "-" and "_" (names of containers have it), as in `music.local` or `10.0.0.7`.
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?\Z"
)
_PORT: Final = re.compile(r"(:[0-9]{1,5})?\Z")


class BadHost(Refused):
    """The Host header is missing, or is no host."""

    code = "bad_host"


def hostname(host_header: str) -> str:
    """The host in a Host header, lower-case and without the port; an IPv6 address keeps its brackets.

    Raises:
        BadHost: it is none.
    """
    text = host_header.strip().lower()
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        host = f"[{address}]"
        good = bracket == "]" and _is_ipv6(address)
    else:
        host, colon, port = text.partition(":")
        rest = colon + port
        good = _NAME.match(host) is not None
    if not good or _PORT.match(rest) is None:
        raise BadHost(f"the Host header {host_header[:300]!r} names no host")
    return host


def gateway_urls(
    host_header: str, gateways: Sequence[GatewayAddress], *, ws_port: int, public_ws_url: str | None
) -> list[str]:
    """The websocket addresses for the caller, in the order given, at least one and each once.

    Args:
        gateways: those that have announced themselves; when there is none, one at `ws_port` is taken for granted.
        public_ws_url: of gateways without an address of their own.

    Raises:
        BadHost: the header names no host; also where no address depends on it.
    """
    host = hostname(host_header)
    known = gateways or [GatewayAddress(None, ws_port)]
    urls = [each.ws_url or public_ws_url or f"ws://{host}:{each.ws_port}{PATH}" for each in known]
    return list(dict.fromkeys(urls))


def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in str(IPv6Address(text))
    except AddressValueError:
        return False
