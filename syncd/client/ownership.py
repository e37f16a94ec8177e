"""Which of several processes on one store holds the socket: the one that holds the lock beside the file.

The system takes the lock away when its process ends, however it ends; so the lock never outlives its holder.
"""

from __future__ import annotations

import fcntl
import os


class Ownership:
    """The lock of one store, as one process sees it."""

    def __init__(self, path: str | None) -> None:
        """`path`: of the store; a store in memory (None) has one owner anyway."""
        self._path = None if path is None else f"{path}.owner"
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Whether this process holds the lock now; never waits."""
        if self._path is None or self._fd is not None:
            return True
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def release(self) -> None:
        """Let another process go on. Twice is harmless. The file stays: removing it would make two locks of one."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
