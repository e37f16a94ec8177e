"""What operators do to a deployment, by its commands, on a Postgres of its own."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from pathlib import Path

import pytest
from house import opened_house
from shell_inside import InsideShell

from syncd.testing.poison import newer


@pytest.fixture
def shell(
    tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> InsideShell:
    """Nothing runs there; the commands bring what they need."""
    monkeypatch.chdir(tmp_path)
    return InsideShell(monkeypatch, capsys, {"SYNCD_DATABASE_URL": postgres_dsn})


@pytest.fixture
def lived_in(postgres_dsn: str) -> None:
    """Alice with a phone that has emitted, Bob with a car; all of it is folded."""

    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
            await house.emit(phone, "settings.changed", {"theme": "dark"})
            await house.emit(car, "settings.changed", {"theme": "light"})
            await house.project()

    asyncio.run(story())


@pytest.mark.usefixtures("lived_in")
def test_a_trim_asks_says_what_it_costs_and_leaves_the_state(shell: InsideShell) -> None:
    before = shell.run("state", "alice", "--json").json
    asked = shell.run("log", "trim", "--before", "1", expect=2)
    assert "--yes" in asked.err
    assert "state --at" in asked.err
    (part,) = shell.run("log", "trim", "--before", "1", "--dry-run", "--json").json["partitions"]
    assert (part["start"], part["records"]) == (0, 1)
    assert shell.run("log", "trim", "--before", "1", "--yes", "--json").json["done"] is True
    assert shell.run("state", "alice", "--json").json == before
    assert "begins at offset 1" in shell.refused("state", "alice", "--at", "1s", code=8)
    assert "nothing to forget" in shell.run("log", "trim", "--before", "2000-01-01").out


@pytest.mark.usefixtures("lived_in")
def test_a_timeline_tells_people_and_programs_who_did_what(shell: InsideShell) -> None:
    told = shell.run("timeline", "alice").out
    assert 'phone set theme = "dark"' in told
    assert '✓ settings/theme = "dark"' in told
    (step,) = shell.run("timeline", "alice", "--device", "phone", "--key", "settings/*", "--json").lines
    assert (step["device_name"], step["writes"][0]["outcome"]) == ("phone", "stands")
    assert "nothing happened" in shell.run("timeline", "alice", "--lost").err
    assert "nobody" in shell.refused("timeline", "nobody", code=5)


@pytest.fixture
def poisoned_in(lived_in: None, postgres_dsn: str) -> int:
    """And an event of a newer version than this one in Alice's stream, set aside; its offset."""

    async def story() -> int:
        async with opened_house(postgres_dsn) as house:
            alice = (await house.accounts.find("alice")).account
            offset = await house.log.end(0)
            await house.append(newer(f"a:{alice}", '{"theme":"\\u001b[31mred"}', seq=1))
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
