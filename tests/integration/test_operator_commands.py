"""What operators do to a deployment, by its commands, on a Postgres of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from house import opened_house
from shell_inside import InsideShell


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


@pytest.mark.usefixtures("lived_in")
def test_what_is_exported_here_is_imported_there_and_replayed(shell: InsideShell, other_dsn: str) -> None:
    digests = shell.run("state", "alice", "--json").json["digests"]
    assert shell.run("export", "--all", "--to", "all.jsonl.gz", "--json").json["records"] == 4
    assert "--force" in shell.refused("export", "alice", "--to", "all.jsonl.gz", code=4)
    assert "--all" in shell.run("export", "--to", "x", expect=2).err
    there = shell.with_(SYNCD_DATABASE_URL=other_dsn)
    there.run("migrate", "--new-epoch")  # it was copied from the same template
    assert there.run("import", "all.jsonl.gz", "--dry-run", "--json").json["done"] is False
    assert there.run("import", "all.jsonl.gz", "--json").json["appended"] == 4
    assert "0 records appended, 4 were there" in there.run("import", "all.jsonl.gz").out
    assert there.run("state", "alice", "--json").json["digests"] == digests
    Path("cut.gz").write_bytes(Path("all.jsonl.gz").read_bytes()[:-9])
    assert "cut or damaged" in shell.refused("import", "cut.gz", code=9)
    assert "no file" in shell.refused("import", "none.gz", code=5)

    assert len(shell.run("replay", "--account", "alice", "--speed", "1000", "--json").lines) == 2
    assert "2 records in some.gz" in shell.run("replay", "--kind", "settings.changed", "--to", "some.gz").out
    assert shell.run("replay", "--to", other_dsn, "--json").json["known"] == 4
    assert "itself" in there.refused("replay", "--to", other_dsn, code=4)


@pytest.mark.usefixtures("lived_in")
def test_a_backup_is_taken_proven_and_put_back_when_told(shell: InsideShell, other_dsn: str) -> None:
    taken = shell.run("backup", "kept", "--json").json
    assert (taken["log_included"], taken["bytes"] > 0) == (True, True)
    assert "already" in shell.refused("backup", "kept", code=4)
    assert "is whole" in shell.run("restore", "kept", "--dry-run").out
    assert "--replace" in shell.refused("restore", "kept", code=4)
    assert "--yes" in shell.run("restore", "kept", "--replace", expect=2).err
    there = shell.with_(SYNCD_DATABASE_URL=other_dsn)
    ran = there.run("restore", "kept")
    assert "is restored" in ran.out
    assert "take a snapshot" in ran.err
    assert there.run("verify", "--json").json["agrees"] is True, "at once, before any projector runs"
    names = {account["name"] for account in there.run("account", "list", "--json").json}
    assert names == {"alice", "bob"}
    (Path("kept") / "cells.copy.gz").write_bytes(b"")
    assert "cells.copy.gz" in there.refused("restore", "kept", "--replace", "--yes", code=9)
    assert "no backup" in there.refused("restore", "nothing", code=5)


@pytest.mark.usefixtures("lived_in")
def test_an_erasure_says_what_goes_and_asks(shell: InsideShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.operations.erase.CLOSE_S", 0.0)
    told = shell.run("erase", "alice", "--dry-run")
    assert "1 device, and all that shows there" in told.out
    assert "backups" in told.err
    assert "--yes" in shell.run("erase", "alice", expect=2).err
    done = shell.run("erase", "alice", "--yes", "--json").json
    assert (done["done"], done["erased"]["records"]) == (True, 2)
    assert "nobody" not in shell.refused("erase", "alice", "--yes", code=5)
    assert shell.run("verify", "--json").json["agrees"] is True
    assert [account["name"] for account in shell.run("account", "list", "--json").json] == ["bob"]


@pytest.mark.usefixtures("lived_in")
def test_the_log_gets_another_number_of_partitions(shell: InsideShell) -> None:
    before = shell.run("state", "alice", "--json").json["digests"]
    assert "--yes" in shell.run("repartition", "3", expect=2).err
    assert shell.run("repartition", "3", "--yes", "--json").json == {
        "partitions_old": 1, "partitions": 3, "records": 4,
    }  # fmt: skip
    assert shell.run("state", "alice", "--json").json["digests"] == before
    assert "3 partitions already" in shell.refused("repartition", "3", "--yes", code=4)
    assert "1024" in shell.run("repartition", "2000", expect=2).err
