"""`syncd dead-letters`, beside a server that is not running, on a Postgres of its own."""

from __future__ import annotations

import asyncio
from base64 import b64decode

import pytest
from house import opened_house
from shell_inside import InsideShell

from syncd.testing.poison import newer


@pytest.fixture
def poisoned_in(postgres_dsn: str) -> int:
    """Alice has emitted something, and an event of a newer version than this one was set aside; its offset."""

    async def story() -> int:
        async with opened_house(postgres_dsn) as house:
            phone, _ = await house.device("alice", "phone"), await house.device("bob", "car")
            await house.emit(phone, "settings.changed", {"theme": "dark"})
            offset = await house.log.end(0)
            await house.append(newer(f"a:{phone.account}", '{"theme":"\\u001b[31mred"}', seq=1))
            await house.project()
            return offset

    return asyncio.run(story())


def test_dead_letters_are_listed_and_shown_safely(shell: InsideShell, poisoned_in: int) -> None:
    (listed,) = shell.run("dead-letters", "list", "--json").lines
    assert (listed["partition"], listed["offset"], listed["version"]) == (0, poisoned_in, 2)
    assert "schema version 2" in listed["reason"]
    assert f"0:{poisoned_in}" in shell.run("dead-letters", "list", "--account", "alice", "--reason", "upcast").out
    for filters in (["--account", "bob"], ["--partition", "1"], ["--stream", "a:nobody"], ["--reason", "undecodable"]):
        assert "no dead letters" in shell.run("dead-letters", "list", *filters).err
    shown = shell.run("dead-letters", "show", f"0:{poisoned_in}")
    assert "\x1b" not in shown.out
    assert "\\u001b[31mred" in shown.out
    assert "a retry would fail" in shown.err
    whole = shell.run("dead-letters", "show", f"0:{poisoned_in}", "--json").json
    assert b'"theme"' in b64decode(whole["body_base64"])
    assert "no dead letter" in shell.refused("dead-letters", "show", "0:99", code=5)
    assert "partition:offset" in shell.refused("dead-letters", "show", "first", code=4)


def test_a_retry_that_would_fail_changes_nothing_and_says_so(shell: InsideShell, poisoned_in: int) -> None:
    records = len(shell.run("log", "show", "--json").lines)
    (stays,) = shell.run("dead-letters", "retry", "--all", "--json", expect=1).lines
    assert (stays["offset"], stays["appended"]) == (poisoned_in, False)
    assert len(shell.run("log", "show", "--json").lines) == records
    assert len(shell.run("dead-letters", "list", "--json").lines) == 1


def test_dead_letters_are_dropped_when_somebody_says_so(shell: InsideShell, poisoned_in: int) -> None:
    position = f"0:{poisoned_in}"
    asked = shell.run("dead-letters", "drop", position, expect=2)
    assert "never be applied" in asked.err
    assert shell.run("dead-letters", "drop", position, "--dry-run", "--json").json == {"dropped": 0}
    for wrong in ([], [position, "--all"], [position, "--partition", "0"]):
        shell.run("dead-letters", "drop", *wrong, "--yes", expect=2)
    assert shell.run("dead-letters", "drop", position, "--yes", "--json").json == {"dropped": 1}
    assert "no dead letters" in shell.run("dead-letters", "list").err
    assert shell.run("dead-letters", "drop", "--all", "--yes", "--json").json == {"dropped": 0}
