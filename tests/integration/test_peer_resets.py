"""A peer that says goodbye and is gone in one breath, on asyncio's own event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from raw_socket import CLOSE, masked, request

from syncd.config.settings import Config
from syncd.testing.patience import PATIENCE_S, eventually
from syncd.testing.service import running_service


def _connected(url: str) -> socket.socket:
    address = urlsplit(url)
    peer = socket.create_connection((address.hostname, address.port), timeout=30.0)
    peer.sendall(request("/v1/sync", {}))
    assert b" 101 " in peer.recv(4_096)
    return peer


def _say_goodbye_and_go(peer: socket.socket) -> None:
    peer.sendall(masked(CLOSE, (1000).to_bytes(2, "big")))
    peer.close()  # our answer to the goodbye is answered by a reset


async def _counted(http: httpx.AsyncClient, line: str) -> bool:
    return line in (await http.get("/metrics")).text


def test_a_peer_that_is_gone_before_the_half_close_ends_as_others_do(
    postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with running_service(Config(database_url=postgres_dsn, port=0, ws_port=0)) as service:
            peer = await asyncio.to_thread(_connected, service.ws_url)
            loop.set_debug(True)  # else asyncio keeps an OSError of ours to itself
            with caplog.at_level(logging.DEBUG, logger="asyncio"):
                _say_goodbye_and_go(peer)  # both are there when the loop looks next
                async with httpx.AsyncClient(base_url=service.http_url, timeout=PATIENCE_S) as http:
                    await eventually(lambda: _counted(http, 'syncd_closes_total{code="1000"} 1'))
            loop.set_debug(False)
        assert [record for record in caplog.records if "Fatal error" in record.getMessage()] == []

    asyncio.run(story())
