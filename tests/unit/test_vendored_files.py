"""Libraries of others that we ship or test with: which they are, and that nobody has touched them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
FOLDERS = ["syncd/web/static/vendor", "tests/browser/vendor"]


def rows(folder: str) -> list[list[str]]:
    """File, package@version, licence, path in the package, SHA-256."""
    return [line.split() for line in (CHECKOUT / folder / "vendored.txt").read_text().splitlines()]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_vendored_file_is_the_one_that_was_fetched(folder: str) -> None:
    listed = {file: digest for file, _, _, _, digest in rows(folder)}
    there = {path.name: path for path in (CHECKOUT / folder).iterdir() if path.name != "vendored.txt"}
    assert listed == {name: sha256(path.read_bytes()).hexdigest() for name, path in there.items()}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_vendored_package_comes_with_its_licence_and_is_what_the_tool_fetches(folder: str) -> None:
    licensed = {package: licence for _, package, licence, path, _ in rows(folder) if path == "LICENSE"}
    assert licensed == {package: licence for _, package, licence, _, _ in rows(folder)}
    tool = (CHECKOUT / "tools" / "vendor").read_text()
    assert [package for package in licensed if f" {package} {licensed[package]} " not in tool] == []
