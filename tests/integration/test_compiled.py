"""A compiled build does what its sources do: it is built, and then examined by tests of theirs.

What some tests do to a class, no compiled one allows: they put methods of their own into it, or hand it what is none of
its types. Those are left out, and are about the sources anyhow.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.compiled import VARIABLE, find_build
from syncd.compiled.build import CannotBuild, check_tools

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".artefacts" / "compiled"
"""Kept: the next run compiles only what has changed."""
BUILD_TIMEOUT_S = 280.0
TESTS_TIMEOUT_S = 280.0

pytestmark = pytest.mark.timeout(BUILD_TIMEOUT_S + TESTS_TIMEOUT_S)

EXAMINE = """
import importlib, sys
import pytest
from syncd.compiled import ABOUT, IS_COMPILED
from syncd.compiled.modules import MODULES
assert IS_COMPILED, ABOUT
for module in MODULES:
    assert importlib.import_module(module).__file__.endswith(".so"), module
sys.exit(pytest.main(sys.argv[1:]))
"""
"""Every module must have been compiled, or its tests prove nothing."""


@pytest.fixture(scope="module")
def folder() -> Path:
    """A build of the sources as they are now."""
    try:
        check_tools()
    except CannotBuild as error:
        pytest.skip(str(error))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be building it
        if find_build(FOLDER)[0] is None:
            # -O1: as far as behaviour goes the same, in half the time.
            command = [sys.executable, "-m", "syncd.compiled.build", "--folder", str(FOLDER), "--optimize", "1"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S)
            assert done.returncode == 0, done.stderr[-5_000:]
    return FOLDER


def examine(folder: Path, *tests: str) -> None:
    """Run tests on the build, in a process of its own."""
    command = [sys.executable, "-c", EXAMINE, "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=ROOT, env={**environment, VARIABLE: str(folder)}, capture_output=True, text=True,
        timeout=TESTS_TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-5_000:]


def test_compiled_every_vector_and_law_holds(folder: Path) -> None:
    examine(folder, "tests/vectors", "tests/property/test_laws.py", "tests/property/test_protocol.py")


def test_compiled_the_rooms_behave_as_their_sources_do(folder: Path) -> None:
    examine(
        folder, "tests/unit/model", "tests/unit/protocol", "tests/unit/projector", "tests/unit/log",
        "tests/unit/client", "tests/unit/gateway", "tests/unit/push", "tests/scenarios",
        "-k", " and ".join(f"not {left_out}" for left_out in LEFT_OUT),
    )  # fmt: skip


LEFT_OUT = (
    # classes of their own below compiled ones
    "test_admission", "test_announcements", "test_hub", "test_tail",
    # methods of their own put into compiled objects, which call theirs all the same
    "test_devices_that_the_gateway_has_never_seen_share_their_questions",
    "test_a_hello_for_many_playlists_asks_for_all_of_them_at_once",
    "test_what_a_device_missed_and_who_is_there_come_in_the_write_of_its_welcome",
    # what is none of its types
    "test_nothing_is_appended_when_all_was_withdrawn_while_the_log_rested",
    "test_a_record_tells_the_writer_what_it_tells_the_stream",
)  # fmt: skip


def test_compiled_devices_agree_over_real_sockets(folder: Path) -> None:
    examine(
        folder, "tests/integration/test_push.py", "tests/integration/test_bad_events.py",
        "tests/integration/test_bad_input.py", "tests/integration/test_peer_resets.py",
        "tests/integration/test_coming_back.py", "tests/e2e/test_cli.py",
        "-k", " and ".join(("(not test_cli or doctor)", *(f"not {left_out}" for left_out in LEFT_OUT))),
    )  # fmt: skip


def test_compiled_the_log_in_postgres_keeps_its_promises(folder: Path) -> None:
    """Also after a failure: mypyc once raised it again from the next call (`check_source`)."""
    examine(folder, "tests/contract/test_postgres_log.py", "tests/contract/test_postgres_log_outcomes.py", "-k", "18")
