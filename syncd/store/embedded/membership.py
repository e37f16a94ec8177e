"""Joining the Postgres of a data folder, and being a member of it."""

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.store.embedded.errors import EmbeddedPostgresError
from syncd.store.embedded.identity import RunAs
from syncd.store.embedded.postgres_log import log_path, log_size, log_tail, open_log, open_owned
from syncd.store.embedded.supervisor import Order

Progress = Callable[[str], None]

# How often we look whether a supervisor that starts or stops has got to where it can be talked to.
POLL_S = 0.02
# A fast shutdown and the immediate one after it (see server.py), and some air.
STOPPED_S = 40.0
# The lock holds one path of at most 107 bytes and a process id.
LOCK_BYTES_MAX = 1024


class EmbeddedPostgres:
    """A joined embedded Postgres; leave it with close()."""

    dsn: str
    version: str

    def __init__(self, link: socket.socket, *, dsn: str, version: str) -> None:
        self.dsn = dsn
        self.version = version
        # A plain socket, bound to no event loop: join and close may happen under different ones.
        self._link = link

    async def close(self, *, wait_stopped: bool = False) -> None:
        """Leave; the last to leave stops Postgres. Calling it again does nothing.

        Args:
            wait_stopped: return only when Postgres has stopped or others still use it. For the first process of a
                container: when that one ends, the rest is killed, and the next start has to recover.
        """
        if wait_stopped and self._link.fileno() >= 0:
            self._link.shutdown(socket.SHUT_WR)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.lost(), STOPPED_S)
        self._link.close()

    async def lost(self) -> None:
        """Return when the supervisor is gone, and Postgres with it: killed, most likely. Join again, or end.

        To be cancelled before close().
        """
        loop = asyncio.get_running_loop()
        # A second descriptor of the same connection, since a loop keeps one reader for each.
        with self._link.dup() as link, contextlib.suppress(ConnectionError):
            while await loop.sock_recv(link, 4096):
                pass


async def join(
    data_dir: Path,
    *,
    timeout_s: float = 30.0,
    binaries: Path | None = None,
    on_progress: Progress | None = None,
    run_as: RunAs = "auto",
) -> EmbeddedPostgres:
    """Join the Postgres that runs on data_dir, or start one.

    Any number of processes may join, at once and one after the other; it runs while one of them is there. If
    cancelled, we have not joined, and a Postgres started for us alone stops again.

    Args:
        data_dir: made if it is missing, closed to other users.
        timeout_s: for all of it. A start that takes longer is still brought to its end, so joining again helps.
        binaries: folder with `postgres` and `initdb`; None means those bundled with syncd. Whoever starts decides.
        on_progress: called with a short sentence for each step of a start.
        run_as: how Postgres runs when we are root; other values than "auto" are for tests.

    Raises:
        EmbeddedPostgresError: it could not be had; the sentence says what to do.
    """
    attempt = _Attempt(
        data_dir=_prepared(data_dir), binaries=binaries, run_as=run_as, on_progress=on_progress or (lambda _: None)
    )
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                joined = await attempt.try_once()
                if joined is not None:
                    return joined
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise EmbeddedPostgresError(
            f"the Postgres of {attempt.data_dir} was not ready after {timeout_s:g} s, the last step was: "
            f"{attempt.last_step} (see {log_path(attempt.data_dir)})"
        ) from error


@dataclass
class _Attempt:
    """One call of join, which tries until it succeeds or is told why it cannot."""

    data_dir: Path
    binaries: Path | None
    run_as: RunAs
    on_progress: Progress
    last_step: str = "waiting for its supervisor"

    async def try_once(self) -> EmbeddedPostgres | None:
        """None when the supervisor of the moment is coming or going, so that another try may do better."""
        said_before = log_size(self.data_dir)
        starter: subprocess.Popen[bytes] | None = None
        link: socket.socket | None
        with _open_lock(self.data_dir) as lock:
            if _lock_taken(lock):
                starter, link = self._start(lock)
            else:
                link = self._connect(lock)
        if link is None:
            return None
        try:
            answer = await self._answer(link)
        except BaseException:
            link.close()
            raise
        finally:
            if starter is not None:
                _reap(starter)
        if answer is not None and "ready" in answer:
            return EmbeddedPostgres(link, **answer["ready"])
        link.close()
        if answer is not None:
            raise EmbeddedPostgresError(answer["error"])
        if starter is not None:
            said = log_tail(self.data_dir, since=said_before)
            raise EmbeddedPostgresError(
                f"the supervisor of {self.data_dir} ended before Postgres was ready: {said or 'without a word'}"
            )
        return None

    def _start(self, lock: int) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """Start a supervisor that inherits our hold of the lock, so that there is never a moment without a holder."""
        link, its_link = socket.socketpair()
        link.setblocking(False)
        log = open_log(self.data_dir)
        order = Order(
            data_dir=str(self.data_dir),
            binaries=str(self.binaries.absolute()) if self.binaries else None,
            run_as=self.run_as,
            lock=lock,
            link=its_link.fileno(),
        )
        # It must find the same syncd as we do, also in a checkout that was not installed.
        roots = [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")]
        try:
            process = subprocess.Popen(  # noqa: S603 - ourselves, no shell
                [sys.executable, "-P", "-m", "syncd.store.embedded", order.to_json()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=(lock, its_link.fileno()),
                cwd="/",  # keeps no other file system busy
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots))},
                start_new_session=True,  # Ctrl-C goes to everybody in the session of the terminal
            )  # fmt: skip
        except OSError as error:
            link.close()
            raise EmbeddedPostgresError(f"{sys.executable} could not be started: {error}") from error
        finally:
            its_link.close()
            os.close(log)
        return process, link

    def _connect(self, lock: int) -> socket.socket | None:
        try:
            address = json.loads(os.pread(lock, LOCK_BYTES_MAX, 0))
        except ValueError:  # it has not said yet where it listens
            return None
        self.last_step = f"waiting for the supervisor (process {address['pid']}) that holds postgres.lock"
        link = socket.socket(socket.AF_UNIX)
        link.setblocking(False)
        try:
            link.connect(address["control"])
        except OSError:  # not there yet, there no more, or not reading: the deadline decides when it is too long
            link.close()
            return None
        return link

    async def _answer(self, link: socket.socket) -> dict[str, Any] | None:
        """The supervisor's last word; None if the connection ended without one."""
        loop = asyncio.get_running_loop()
        heard = b""
        with contextlib.suppress(ConnectionError):
            while chunk := await loop.sock_recv(link, 4096):
                *lines, heard = (heard + chunk).split(b"\n")
                for line in lines:
                    told: dict[str, Any] = json.loads(line)
                    if "progress" not in told:
                        return told
                    self.last_step = told["progress"]
                    self.on_progress(self.last_step)
        return None


def _prepared(data_dir: Path) -> Path:
    """Make the data folder where it is missing; its real path, under which every member knows it."""
    # Where Postgres has to run as another user than root, that user must get through. Nobody can list the folder,
    # and what we put there is closed by its own modes.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        data_dir.mkdir(mode=mode, parents=True, exist_ok=True)
        return data_dir.resolve(strict=True)
    except OSError as error:
        raise EmbeddedPostgresError(f"the data folder {data_dir} cannot be made: {error.strerror}") from error


@contextlib.contextmanager
def _open_lock(data_dir: Path) -> Iterator[int]:
    path = data_dir / "postgres.lock"
    try:
        lock = open_owned(path, os.O_RDWR)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{path} cannot be opened ({error.strerror}); start syncd as the user to whom {data_dir} belongs"
        ) from error
    try:
        yield lock
    finally:
        os.close(lock)


def _lock_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _reap(starter: subprocess.Popen[bytes]) -> None:
    # It has only forked the supervisor and ended, long before there is an answer. Where we were cancelled before
    # that, this waits for the rest of its 0.1 s; left unreaped it would stay in the process list with our name.
    with contextlib.suppress(subprocess.TimeoutExpired):
        starter.wait(1.0)
