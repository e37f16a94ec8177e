"""What is no Python must be named in pyproject.toml, or a wheel lacks it and only those who installed one notice."""

from __future__ import annotations

import glob
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_a_wheel_holds_every_file_of_the_package() -> None:
    patterns = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["syncd"]
    package = CHECKOUT / "syncd"
    named = {found for pattern in patterns for found in glob.glob(pattern, root_dir=package, recursive=True)}
    there = {
        found
        for found in glob.glob("**/*", root_dir=package, recursive=True)
        if (package / found).is_file() and not found.endswith((".py", ".pyc"))
    }
    assert "migrations/0001_log_and_store.sql" in there
    assert there - named == set()


def test_the_migrations_of_the_package_are_those_of_the_checkout() -> None:
    assert (CHECKOUT / "syncd" / "migrations").resolve() == CHECKOUT / "migrations"
