"""Ports for servers that are started a moment later, and may be killed and started again."""

from __future__ import annotations

import atexit
import random
import socket
from contextlib import suppress
from typing import Final

PORTS: Final = range(20_000, 32_000)
"""Below those that the kernel gives to outgoing connections: else one of them could take a port between a kill and the
restart, and who knocks at a dead server's door could be let in by himself."""

_claims: Final[list[socket.socket]] = []
"""Until this process ends: UDP sockets of the same numbers, which nobody needs. Whoever else looks for a port meets
them, also before the server that a port is for has begun to listen."""


class NoFreePort(Exception):
    """There are not so many."""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, that no outgoing connection is given, and that nobody else gets here.

    Raises:
        NoFreePort: there are not so many.
    """
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        if _is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise NoFreePort(f"no {count} free ports from {PORTS.start} to {PORTS.stop}")


@atexit.register
def _give_back() -> None:
    """The interpreter would close them too, and complain of each."""
    for claim in _claims:
        claim.close()


def _is_free(port: int) -> bool:
    """Whether it is; then it is ours."""
    claim = socket.socket(type=socket.SOCK_DGRAM)
    with suppress(OSError), socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(("127.0.0.1", port))
        claim.bind(("127.0.0.1", port))
        _claims.append(claim)
        return True
    claim.close()
    return False
