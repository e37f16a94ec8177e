"""A newcomer's path: `syncd serve`, the link it prints, `syncd demo` in a second terminal, Ctrl-C, and nothing left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.testing.server_process import ServerProcess, processes_of

CHECKOUT = Path(__file__).parents[2]
ORDINARY_UID = 1000
COMMAND_TIMEOUT_S = 120.0

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an ordinary user can reach, as pytest's own are closed to others."""
    path = Path(tempfile.mkdtemp(prefix="syncd-newcomer-", dir="/tmp")).resolve()
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def test_newcomer_starts_it_opens_the_link_and_sees_devices_agree(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with ServerProcess(closed / "syncd-data") as server:
        ready = server.ready
        assert ready is not None
        assert ready.link == f"{ready.http_url}/#token={ready.token}", (
            "the token is in the fragment, which is never sent"
        )
        with urllib.request.urlopen(ready.http_url, timeout=COMMAND_TIMEOUT_S) as page:
            assert "text/html" in page.headers["content-type"]
        with urllib.request.urlopen(f"{ready.http_url}/readyz", timeout=COMMAND_TIMEOUT_S) as answer:
            assert answer.status == 200
        agreement = demo(server)
        assert agreement["agree"] is True
        assert len({json.dumps(digests) for digests in agreement["devices"].values()}) == 1
        assert agreement["devices"]["phone"] == agreement["server"]
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700, "nobody's folder is opened to others"


def test_second_start_prints_the_same_link(folder: Path) -> None:
    with ServerProcess(folder / "data") as server:
        first = server.ready
        assert server.stop() == 0
        assert server.start() == first


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_no_process(folder: Path, number: signal.Signals) -> None:
    server = ServerProcess(folder / "data")
    server.start()
    commands = " ".join(processes_of(server.data_dir).values())
    assert "syncd.store.embedded" in commands, "the supervisor is looked for"
    assert "postgres" in commands, "Postgres is looked for"
    assert server.stop(number) == 0
    # It waits for Postgres, so that a container whose first process it is ends cleanly: all that may be left right now
    # is the supervisor, which has just said so and is about to end.
    assert all("syncd.store.embedded" in command for command in processes_of(server.data_dir).values())
    server.until_nobody_is_left()


def test_killed_server_takes_postgres_along(folder: Path) -> None:
    server = ServerProcess(folder / "data")
    server.start()
    server.kill()
    server.until_nobody_is_left()


@needs_root
def test_ordinary_user_starts_it_in_a_folder_of_mode_0700(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    os.chown(closed, ORDINARY_UID, ORDINARY_UID)
    paths = [str(CHECKOUT), sysconfig.get_path("purelib")]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(closed)}
    interpreter = interpreter_for(ORDINARY_UID, environment)
    server = ServerProcess(closed / "syncd-data", interpreter=interpreter, environment=environment, uid=ORDINARY_UID)
    with server:
        owners = set()
        for pid in processes_of(server.data_dir):
            with contextlib.suppress(FileNotFoundError):  # sessions of Postgres come and go
                owners.add(Path(f"/proc/{pid}").stat().st_uid)
        assert owners == {ORDINARY_UID}
        assert demo(server)["agree"] is True


# --- what they lean on ---


def demo(server: ServerProcess) -> dict[str, Any]:
    """What `syncd demo --json` says in a second terminal, as fast as it can."""
    where = ("--ws-port", str(server.ws_port), "--data-dir", str(server.data_dir))
    done = subprocess.run(
        [sys.executable, "-m", "syncd.cli", "demo", "--json", "--seconds", "0", *where],
        cwd="/", capture_output=True, timeout=COMMAND_TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    agreement: dict[str, Any] = json.loads(done.stdout)
    return agreement


def interpreter_for(uid: int, environment: dict[str, str]) -> str:
    """A Python that this user can run: that of a developer's environment often lies in a closed home."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            tried = subprocess.run(
                [candidate, "-c", "import syncd.bootstrap"], user=uid, group=uid, extra_groups=[], cwd="/",
                env={**os.environ, **environment}, capture_output=True, check=False,
            )  # fmt: skip
            if tried.returncode == 0:
                return candidate
    pytest.skip(f"user {uid} can reach no Python 3.11 with syncd here")
