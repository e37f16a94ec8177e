"""The programs of docs/howto/python-sdk.md run as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.testing.server_process import ServerProcess

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "python-sdk.md"
PROGRAMS = {
    match["name"]: match["code"]
    for match in re.finditer(r"```python\n# (?P<name>\w+\.py)\n(?P<code>.*?)```", PAGE.read_text(), re.DOTALL)
}
PRINTED = {
    "first.py": "track-1 ['track-2']\nTrue\n",
    "acting.py": "['c', 'a', 'b'] c 90\n",
    "script.py": "True\n",
}
TIMEOUT_S = 120


def test_the_page_shows_these_programs() -> None:
    assert PROGRAMS.keys() == PRINTED.keys()
    shown = "".join(f"    {line}\n" for line in PRINTED["first.py"].splitlines())
    assert shown in PAGE.read_text()


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_a_program_prints_what_the_page_says(name: str, server: ServerProcess, tmp_path: Path) -> None:
    (linked,) = asyncio.run(server.link(f"howto-{name}-{os.getpid()}", "phone"))
    program = tmp_path / name
    program.write_text(PROGRAMS[name])
    environment = {**os.environ, "SYNCD_URL": server.ws_url, "SYNCD_TOKEN": linked.token}
    ran = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=TIMEOUT_S
    )
    assert (ran.stdout, ran.stderr) == (PRINTED[name], "")
