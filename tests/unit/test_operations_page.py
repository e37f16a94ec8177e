"""`docs/operations.md`: every command and every setting on it is one that there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from syncd import limits
from syncd.cli.app import app
from syncd.config.settings import SETTINGS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operations.md"
TEXT = PAGE.read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", TEXT) + re.findall(r"^    (\S.*)$", TEXT, re.MULTILINE)
PATH_OF_PROGRAM = re.compile(r"(?:^|.*?[^\w./-])syncd ((?:[a-z].*|--.*))$")


def commands() -> list[str]:
    """What follows the word `syncd`, or the service whose image runs it, wherever it is code."""
    ours = [match[1] for code in CODE if (match := PATH_OF_PROGRAM.match(code))]
    in_images = [match[1] for code in CODE if (match := re.search(r"compose run .* api (\S.*)$", code))]
    return sorted(set(ours + in_images))


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 20


@pytest.mark.parametrize("line", commands())
def test_every_command_is_one_that_there_is(line: str) -> None:
    words = shlex.split(line)
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"syncd has no command {name}"
        command = command.commands[name]
    if words:  # a bare name is a mention; with more it must be whole
        command.make_context(line, words)


def test_every_setting_and_limit_is_one_that_there_is() -> None:
    named = {word for code in CODE for word in re.findall(r"\bSYNCD_[A-Z_]+\b", code)}
    homes = {setting.env for setting in SETTINGS} | {f"{setting.env}_FILE" for setting in SETTINGS if setting.secret}
    others = {"SYNCD_PUBLIC_HOST": "of docker-compose.yml", "SYNCD_COMPILED": "read before there are settings"}
    assert named <= homes | others.keys()
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", TEXT):
        assert name in homes or hasattr(limits, name) or name.startswith("SYNCD_"), name


def test_every_file_that_is_named_is_there() -> None:
    for name in re.findall(r"`((?:syncd|tests|tools|docs)/[\w./-]+)`", TEXT):
        assert (ROOT / name).exists(), name
