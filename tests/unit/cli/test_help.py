"""What `syncd --help` promises, and how soon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from syncd.cli.app import app


def commands(of: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that somebody can run, by the words it is called with."""
    below = getattr(of, "commands", {})
    if not below or of.invoke_without_command:
        yield " ".join(path), of
    for name, command in below.items():
        yield from commands(command, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))
DESIGNED = """
    serve · gateway · projector · api · demo · device · account create · account list · device link · device list
    · device revoke · log tail · log show · state · why · verify · migrate · migrate status · schemas · doctor
    · config show · operator create · operator list · operator revoke
    · rebuild · dead-letters list · dead-letters show · dead-letters retry · dead-letters drop
    · log trim · timeline · export · import · replay · backup · restore · erase · repartition
    · move-log
"""
JSON_MISSING = {
    "device": "its output is JSON anyhow",
    "schemas": "writes files",
}


def test_all_commands_are_there_under_their_names() -> None:
    assert set(COMMANDS) == {name.strip() for name in DESIGNED.split("·")}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_gives_an_example(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert command.epilog.startswith("Example: ")
    assert f"syncd {name}" in command.epilog


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_is_explained(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_programs_can_read_what_every_command_prints(name: str) -> None:
    has_json = any("--json" in parameter.opts for parameter in COMMANDS[name].params)
    assert has_json is (name not in JSON_MISSING)


def test_help_does_not_wait_for_what_only_commands_need() -> None:
    heavy = "asyncio asyncpg httptools msgspec orjson prometheus_client starlette structlog uvicorn uvloop websockets"
    code = f"import sys, syncd.cli.app; print(*[name for name in {heavy.split()} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.split() == []
