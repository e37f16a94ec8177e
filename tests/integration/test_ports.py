"""A port that is free is promised to one alone, before anybody listens on it."""

from __future__ import annotations

import socket

import pytest

from syncd.testing import ports
from syncd.testing.ports import NoFreePort, free_ports


def test_a_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two test processes that start servers in one moment would give both the same, now and then."""
    (port,) = free_ports(1)
    monkeypatch.setattr(ports, "PORTS", range(port, port + 1))
    with pytest.raises(NoFreePort, match="no 1 free ports"):
        free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_port_on_which_somebody_listens_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "PORTS", range(port, port + 1))
        with pytest.raises(NoFreePort):
            free_ports(1)
