"""The TypeScript SDK's own tests, run by Node: every shared vector in every order, both wire formats, types, size.

Source: clients/typescript/README.md.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "clients" / "typescript"
INSTALL_TIMEOUT_S = 240.0
"""A few packages, from whatever registry npm is set to."""
TEST_TIMEOUT_S = 240.0
"""Compiling and all tests take ten seconds on a quiet machine."""


def run(*command: str, timeout_s: float) -> str:
    ended = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout[-4_000:]}\n{ended.stderr[-4_000:]}"
    return ended.stdout


@pytest.fixture
def npm() -> str:
    """npm, with the packages of the lock installed."""
    found = shutil.which("npm")
    if found is None or shutil.which("node") is None:
        pytest.skip("no Node with npm on this machine")
    with (PACKAGE / ".npmrc").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be at it
        installed, wanted = PACKAGE / "node_modules" / ".package-lock.json", PACKAGE / "package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
            run(found, "ci", "--no-audit", "--no-fund", timeout_s=INSTALL_TIMEOUT_S)
    return found


@pytest.mark.timeout(INSTALL_TIMEOUT_S + TEST_TIMEOUT_S)
def test_the_typescript_sdk_passes_its_tests(npm: str) -> None:
    said = run(npm, "test", timeout_s=TEST_TIMEOUT_S)
    assert "# fail 0" in said
    assert "# skipped 0" in said


def test_the_lock_of_the_typescript_sdk_names_no_registry() -> None:
    packages = json.loads((PACKAGE / "package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert all("integrity" in package for package in installed.values())
    for package in installed.values():
        package.pop("funding", None)  # where to thank, not where to load from
    assert "resolved" not in json.dumps(packages)
    assert "http" not in json.dumps(packages)
