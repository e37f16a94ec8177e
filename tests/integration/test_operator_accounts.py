"""`syncd operator`: who may use the console, on a Postgres of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from shell_inside import InsideShell

from syncd.clock import SystemClock
from syncd.operations.local_operator import TOKEN_FILE, local_operator
from syncd.operators.service import PostgresOperators


def test_operators_are_made_listed_and_revoked(shell: InsideShell) -> None:
    made = shell.run("operator", "create", "ben", "--json").json
    assert made["name"] == "ben"
    said = shell.run("operator", "create", "ada")
    assert "token    syncd_operator_" in said.out
    assert "there already" in shell.refused("operator", "create", "ben", code=4)
    assert "1 to 32" in shell.refused("operator", "create", "Ben!", code=4)
    assert shell.run("operator", "revoke", "ada", "--json").json["revoked_ms"] > 0
    assert "no operator" in shell.refused("operator", "revoke", "nobody", code=5)
    listed = {each["name"]: each["revoked_ms"] for each in shell.run("operator", "list", "--json").json}
    assert listed["ben"] is None
    assert listed["ada"] is not None
    shown = shell.run("operator", "list").out
    assert "stands" in shown
    assert made["token"] not in shown


def test_a_first_start_makes_an_operator_once_and_keeps_its_token_for_the_owner_alone(
    tmp_path: Path, postgres_dsn: str
) -> None:
    async def story() -> None:
        operators = await PostgresOperators.open(postgres_dsn, SystemClock())
        try:
            first = await local_operator(operators, tmp_path)
            assert first is not None
            assert await operators.login(first.token) == "local"
            assert (tmp_path / TOKEN_FILE).stat().st_mode & 0o777 == 0o600
            assert await local_operator(operators, tmp_path) == first, "every start shows the same link"
            await operators.revoke("local")
            assert await local_operator(operators, tmp_path) is None, "a revoked one does not come back by itself"
        finally:
            await operators.close()

    asyncio.run(story())
