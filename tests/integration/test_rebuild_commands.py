"""When the store is wrong: `verify` names it, `rebuild` mends it, and devices that are connected follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live_service import NAMES, Live
from raw_device import RawDevice, refolded
from shell_inside import InsideShell

from syncd.postgres.connection import connect, hang_up

PLAYLIST = "p:a-playlist-to-be-mended"


@pytest.fixture
def shell(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> InsideShell:
    """Commands beside the running service."""
    monkeypatch.chdir(tmp_path)
    return InsideShell(monkeypatch, capsys, {"SYNCD_DATABASE_URL": live.dsn})


async def by_hand(live: Live, *statements: tuple[Any, ...]) -> None:
    connection = await connect(live.dsn)
    try:
        for statement in statements:
            await connection.execute(*statement)
    finally:
        await hang_up(connection)


def test_what_was_changed_by_hand_is_named_and_mended_and_devices_follow(live: Live, shell: InsideShell) -> None:
    name = f"damaged {next(NAMES)}"

    async def lived() -> tuple[RawDevice, RawDevice]:
        phone, laptop = await live.service.account(name, "phone", "laptop")
        device, other = await live.device(phone).connect(), await live.device(laptop).connect()
        for each in (device, other):
            await each.arrive("a:me", PLAYLIST)
        await device.emit_acked("settings.changed", {"theme": "dark", "volume": 3, "font": "large"})
        await device.emit_acked("playlist.described", {"name": "ours"}, stream=PLAYLIST)
        await live.projected()
        return device, other

    device, other = live.run(lived())
    stream = f"a:{device.account}"
    assert shell.run("verify", "--json").json["agrees"] is True

    damage = "update cells set value = '\"hacked\"', rank = 'zzz' where stream = $1 and key = "
    live.run(
        by_hand(
            live,
            (damage + "'settings/theme'", stream),
            ("delete from cells where stream = $1 and key = 'settings/volume'", stream),
            ("insert into cells values ($1, 'settings/made-up', 'zzz', '1', 0)", stream),
            (damage + "'playlist/name'", PLAYLIST),
            ("insert into cells values ('a:nobody', 'settings/theme', 'zzz', '1', 0)",),
        )
    )
    found = shell.run("verify", "--json", expect=1).json
    assert {differs["stream"]: differs["keys"] for differs in found["differences"]} == {
        stream: {"settings/made-up": "extra", "settings/theme": "different", "settings/volume": "missing"},
        PLAYLIST: {"playlist/name": "different"},
        "a:nobody": {"settings/theme": "extra"},
    }
    told = shell.run("verify", expect=1).out
    assert stream in told
    assert "settings/made-up" in told

    dry = shell.run("rebuild", "--account", name, "--dry-run", expect=1)
    assert "nothing was changed" in dry.out
    assert shell.run("verify", "--json", expect=1).json["differences"] == found["differences"]
    mended = shell.run("rebuild", "--account", name, "--json").json
    assert {(each["stream"], each["falls"]) for each in mended["differences"]} == {(stream, True), (PLAYLIST, True)}
    assert mended["cells_changed"] == 4
    left = shell.run("verify", "--json", expect=1).json["differences"]
    assert [differs["stream"] for differs in left] == ["a:nobody"]
    assert "a:nobody" in shell.run("rebuild").out
    assert shell.run("verify", "--json").json["agrees"] is True
    assert "nothing differs" in shell.run("rebuild").out

    async def converged() -> None:
        for of_stream in (stream, PLAYLIST):
            expected = await refolded(live.service.deployment.log, of_stream)
            for each in (device, other):
                await each.agrees(expected, of_stream)
        for each in (device, other):
            await each.disconnect()

    live.run(converged())


def test_an_account_that_is_not_there_is_named(shell: InsideShell) -> None:
    assert "nobody-of-that-name" in shell.refused("rebuild", "--account", "nobody-of-that-name", code=5)
