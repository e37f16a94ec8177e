"""Listening sockets that we bind ourselves: a port that is taken gets words, and port 0 tells what it became."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Final

from syncd.errors import ConfigError

BACKLOG: Final = 512
"""Connections that wait to be accepted; the kernel lowers it to its own bound."""


async def bind(host: str, port: int, *, setting: str) -> list[socket.socket]:
    """Sockets on every address of `host`, all on one port, not listening yet.

    Args:
        host: a name or an address; `0.0.0.0` and `::` mean every interface.
        port: 0 takes any free one.
        setting: the name of the port's setting, for the error's text.

    Raises:
        ConfigError: the host has no address here, or the port is taken or needs privileges.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigError(f"SYNCD_HOST {host!r} is no address of this machine: {error.strerror}") from error
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            if port == 0 and sockets:
                address = (address[0], sockets[0].getsockname()[1], *address[2:])
            try:
                sockets.append(_bound(family, address))
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise ConfigError(_refused(error, host, port, setting)) from error
                missing = error  # As ::1 of `localhost` where IPv6 is off; another address may do.
        if not sockets:
            raise ConfigError(f"SYNCD_HOST {host!r} is no address of this machine: {missing}") from missing
    except BaseException:
        for bound in sockets:
            bound.close()
        raise
    return sockets


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # Beside an IPv4 socket on the same port, never instead of it.
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setblocking(False)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


def _refused(error: OSError, host: str, port: int, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is taken by another program, or another syncd (`syncd doctor` tells); "
            f"stop that one or set {setting}"
        )
    if error.errno == errno.EACCES:
        return f"port {port} on {host} needs privileges; ports from 1024 up do not: set {setting}"
    return f"port {port} on {host} cannot be used: {error.strerror}; set {setting}"
