"""What operators do to a deployment, by its commands, on a Postgres of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from house import opened_house
from shell_inside import InsideShell


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
