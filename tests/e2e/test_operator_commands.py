"""What operators do to a deployment, with the command, on a Postgres of its own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from command import Shell

FOLDED_WITHIN_S = 20.0


@pytest.fixture
def shell(tmp_path: Path, postgres_dsn: str) -> Shell:
    """Nothing runs there; the commands bring what they need."""
    return Shell(tmp_path, {"SYNCD_DATABASE_URL": postgres_dsn})


def lived_in(shell: Shell) -> dict[str, Any]:
    """An account with a linked device, folded; what `account create` printed."""
    account: dict[str, Any] = shell.run("account", "create", "alice", "--json").json
    shell.run("device", "link", "alice", "--name", "phone")
    with shell.started("projector", "--json") as projector:
        projector.line()
        deadline = time.monotonic() + FOLDED_WITHIN_S
        while shell.run("verify", "--json").json["behind"]:
            assert time.monotonic() < deadline
        assert projector.stop() == 0, projector.err
    return account


def test_a_trim_asks_says_what_it_costs_and_leaves_the_state(shell: Shell) -> None:
    lived_in(shell)
    before = shell.run("state", "alice", "--json").json
    ran = shell.run("log", "trim", "--before", "1", expect=2)
    assert "--yes" in ran.err
    assert "state --at" in ran.err
    (part,) = shell.run("log", "trim", "--before", "1", "--dry-run", "--json").json["partitions"]
    assert (part["start"], part["records"]) == (0, 1)
    assert shell.run("log", "trim", "--before", "1", "--yes", "--json").json["done"] is True
    assert shell.run("state", "alice", "--json").json == before
    assert "begins at offset 1" in shell.refused("state", "alice", "--at", "1s", code=8)
    assert "nothing to forget" in shell.run("log", "trim", "--keep-days", "1").out
