"""Become the user Postgres shall run as, tie its life to the supervisor's, and turn into the program.

    launch.py run    IDENTITY PARENT_PID PROGRAM [ARGUMENT…]
    launch.py check  IDENTITY PATH…        prints why the paths cannot be used, nothing when they can

A program of its own, and not a `preexec_fn`: that one runs our Python between fork and exec, where any lock another
thread held stays locked for ever. Here nothing else runs, and `exec` keeps the process id, so Postgres is still the
supervisor's child. It is run by its path with `-I -S` and therefore imports only the standard library.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

CLONE_NEWUSER = 0x10000000  # linux/sched.h
PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Between the exit codes of Postgres' programs (0 to 3) and those of signals (128 and up): "could not be started".
EXIT_REFUSED = 126


def main(argv: list[str]) -> int:
    """Run one of the two commands of the module's first lines."""
    verb, identity, rest = argv[1], json.loads(argv[2]), argv[3:]
    try:
        _become(identity)
    except OSError as error:
        sys.stdout.write(f"{_WAYS[identity['way']]} was refused: {error.strerror}\n")
        return 0 if verb == "check" else EXIT_REFUSED
    if verb == "run":
        _run(int(rest[0]), rest[1:])
    sys.stdout.write(_obstacle([Path(path) for path in rest]) or "")
    return 0


_WAYS = {"plain": "staying the same user", "namespace": "a user namespace", "user": "becoming another user"}


def _become(identity: dict[str, str | int]) -> None:
    """Change who we are; raises OSError where the kernel, or a container's rules, say no."""
    if identity["way"] == "namespace":
        _libc_call("unshare", CLONE_NEWUSER)
        # Without "deny" the kernel refuses a gid map to those without privileges, for it would let them drop groups.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{identity['inside_uid']} {identity['uid']} 1")
        Path("/proc/self/gid_map").write_text(f"{identity['inside_gid']} {identity['gid']} 1")
    elif identity["way"] == "user":
        os.setgroups([])
        os.setgid(int(identity["gid"]))
        os.setuid(int(identity["uid"]))


def _run(parent_pid: int, command: list[str]) -> NoReturn:
    # A supervisor that is killed cannot stop anything any more; the kernel then sends Postgres the signal of a fast
    # shutdown. Asked for last, because a change of user clears it, and asked for before looking at the parent,
    # because a parent that died earlier sends nothing. Other systems than Linux have no such thing.
    if sys.platform == "linux":
        _libc_call("prctl", PR_SET_PDEATHSIG, int(signal.SIGINT))
        if os.getppid() != parent_pid:
            sys.exit(EXIT_REFUSED)
    # Python ignores SIGPIPE, and what is ignored stays ignored across exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted; the supervisor made the command


def _obstacle(paths: list[Path]) -> str | None:
    """The first folder on the way to one of the paths that we, as who we now are, cannot enter or run."""
    for path in paths:
        for step in (*reversed(path.parents), path):
            if not os.access(step, os.X_OK):
                found = step.stat()
                return f"{step} cannot be entered (mode {found.st_mode & 0o7777:04o}, owner uid {found.st_uid})"
    return None


def _libc_call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # prctl reads five words; the unused ones must be zero, not what happens to lie in the registers.
    words = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)]
    if getattr(libc, name)(*words) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
