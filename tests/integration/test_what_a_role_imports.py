"""A process starts with what its roles need: every import is paid at every start, and each costs memory for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

SERVE_A_MOMENT = """
import asyncio, sys
from syncd.bootstrap import run, run_roles
from syncd.config import Config

async def main():
    stop = asyncio.Event()
    config = Config(database_url=sys.argv[1], ws_port=0, port=0)
    await run_roles(config, frozenset({sys.argv[2]}), on_ready=lambda running: stop.set(), stop=stop)

run(main())
print(*sys.modules)
"""
HTTP = {"starlette", "uvicorn", "httptools", "prometheus_client", "syncd.api.app", "syncd.bootstrap.http"}
SOCKETS = {"websockets", "syncd.gateway.gateway", "syncd.push.hub"}
FOLD = {"syncd.projector.projector"}
CONSOLE = {"syncd.operations.console.desk", "syncd.bootstrap.console"}
ELSEWHERE = {"aiokafka", "opentelemetry", "syncd.store.embedded", "syncd.testing", "syncd.client"}


@pytest.mark.parametrize(
    ("role", "needs", "leaves"),
    [
        ("projector", FOLD, HTTP | SOCKETS | CONSOLE | ELSEWHERE),
        ("gateway", SOCKETS, HTTP | FOLD | CONSOLE | ELSEWHERE),
        ("api", HTTP | CONSOLE, {"syncd.gateway.gateway", "syncd.projector.projector"} | ELSEWHERE),
    ],
)
def test_a_role_imports_what_it_needs_and_leaves_the_rest(
    postgres_dsn: str, role: str, needs: set[str], leaves: set[str]
) -> None:
    command = [sys.executable, "-c", SERVE_A_MOMENT, postgres_dsn, role]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    imported = set(ran.stdout.split())
    assert needs <= imported
    assert not leaves & imported
