"""The TypeScript SDK's own tests, run by Node: every shared vector in every order, both wire formats, types, size, API;
and the first program of its README, on a real server.

Source: clients/typescript/README.md.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from syncd.config import Config
from syncd.testing.service import running_service

PACKAGE = Path(__file__).parents[2] / "clients" / "typescript"
INSTALL_TIMEOUT_S = 240.0
"""A few packages, from whatever registry npm is set to."""
TEST_TIMEOUT_S = 480.0
"""Compiling and all tests take ten seconds on a quiet machine."""


def run(*command: str, timeout_s: float, environment: Mapping[str, str] | None = None) -> str:
    ended = subprocess.run(
        command, cwd=PACKAGE, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout[-4_000:]}\n{ended.stderr[-4_000:]}"
    return ended.stdout


@pytest.fixture
def npm() -> Iterator[str]:
    """npm, with the packages of the lock installed, and nobody else at work in the package."""
    found = shutil.which("npm")
    if found is None or shutil.which("node") is None:
        pytest.skip("no Node with npm on this machine")
    with (PACKAGE / ".npmrc").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed, wanted = PACKAGE / "node_modules" / ".package-lock.json", PACKAGE / "package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
            run(found, "ci", "--no-audit", "--no-fund", timeout_s=INSTALL_TIMEOUT_S)
        yield found


@pytest.mark.timeout(INSTALL_TIMEOUT_S + TEST_TIMEOUT_S)
def test_the_typescript_sdk_passes_its_tests(npm: str) -> None:
    said = run(npm, "test", timeout_s=TEST_TIMEOUT_S)
    assert "# fail 0" in said
    assert "# skipped 0" in said


@pytest.mark.timeout(INSTALL_TIMEOUT_S + TEST_TIMEOUT_S)
def test_the_first_program_of_the_readme_prints_what_the_readme_says(npm: str, postgres_dsn: str) -> None:
    readme = (PACKAGE / "README.md").read_text()
    program, printed = re.findall(r"```js\n(.*?)```\n.*?It prints\n\n((?:    [^\n]*\n)+)", readme, re.DOTALL)[0]
    run("node", "tools/build.mjs", "--check", timeout_s=TEST_TIMEOUT_S)

    async def story() -> str:
        async with running_service(Config(database_url=postgres_dsn, port=0, ws_port=0)) as service:
            (phone,) = await service.account("ada", "phone")
            environment = {**os.environ, "SYNCD_URL": service.http_url, "SYNCD_TOKEN": phone.token}
            # The package finds itself by its own name.
            command = ("node", "--input-type=module", "-e", program)
            return await asyncio.to_thread(run, *command, timeout_s=TEST_TIMEOUT_S, environment=environment)

    assert asyncio.run(story()) == re.sub("^    ", "", printed, flags=re.MULTILINE)


def test_the_players_modules_use_the_sdk_as_it_is(npm: str) -> None:
    run(npm, "run", "types", timeout_s=TEST_TIMEOUT_S)


def test_the_lock_of_the_typescript_sdk_names_no_registry() -> None:
    packages = json.loads((PACKAGE / "package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert all("integrity" in package for package in installed.values())
    for package in installed.values():
        package.pop("funding", None)  # where to thank, not where to load from
    assert "resolved" not in json.dumps(packages)
    assert "http" not in json.dumps(packages)
