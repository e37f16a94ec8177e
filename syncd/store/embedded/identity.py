"""As whom Postgres runs.

It refuses to run as uid 0. An ordinary user runs it as himself. For root there are three ways, tried in this order:

1. Data that already belong to another user stay theirs: Postgres runs as that user.
2. A user namespace in which uid 0 is called something else. The kernel still sees root's files, so a folder of mode
   0700 works and nothing changes hands. Many containers forbid it.
3. Another user of this machine. Only our own cluster folder is given to them; every folder above it must let them
   pass as it is. We never change the mode of a folder that we did not make.
"""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from syncd.store.embedded import launch
from syncd.store.embedded.errors import EmbeddedPostgresError

Way = Literal["plain", "namespace", "user"]
# "auto" decides as written above; the others force one way, so that tests can walk each of them on any machine.
RunAs = Literal["auto", "namespace", "user"]

# Users that Postgres may become, the best first: made for databases, else owning nothing at all.
OTHER_USERS = ("postgres", "nobody")
# Root's name inside a namespace. It needs a line in /etc/passwd, because initdb looks it up. "nobody" comes last:
# its number, 65534, is also what the kernel shows for owners the namespace does not know.
INSIDE_USERS = ("postgres", "daemon", "bin", "nobody")
# Starting a bare Python takes 30 ms; this covers a machine that is swapping.
PROBE_S = 10.0


@dataclass(frozen=True)
class Identity:
    """As whom Postgres runs, and who therefore owns its files.

    `uid` and `gid` are as seen from outside; `inside_uid` and `inside_gid` are what Postgres sees, and differ only in
    a namespace.
    """

    way: Way
    uid: int
    gid: int
    inside_uid: int
    inside_gid: int

    def command(self, *arguments: str | Path) -> list[str]:
        """The command that runs a program as this identity, as a child that does not outlive this process."""
        return [*self._launcher("run"), str(os.getpid()), *map(str, arguments)]

    def obstacle(self, paths: Iterable[Path]) -> str | None:
        """What keeps this identity from reaching the paths; None when nothing does. Asks the kernel, not the modes."""
        try:
            probe = subprocess.run(  # noqa: S603 - our own program, no shell
                [*self._launcher("check"), *map(str, paths)], capture_output=True, text=True, timeout=PROBE_S
            )
        except subprocess.TimeoutExpired:
            return f"trying it took longer than {PROBE_S:.0f} s"
        if probe.returncode != 0:
            return f"trying it ended with code {probe.returncode}: {probe.stderr.strip()[-200:]}"
        return probe.stdout.strip() or None

    def _launcher(self, verb: str) -> list[str]:
        return [sys.executable, "-I", "-S", launch.__file__, verb, json.dumps(asdict(self))]


Obstacle = Callable[[Identity, list[Path]], str | None]


def choose_identity(
    cluster: Path, *, postgres: Path, run_as: RunAs = "auto", obstacle: Obstacle = Identity.obstacle
) -> Identity:
    """Decide as whom Postgres runs on the cluster folder, whose parent exists; it may not exist itself yet.

    Raises:
        EmbeddedPostgresError: no way is open; names the folder that is in the way and what to do.
    """
    if os.geteuid() != 0:
        return _ordinary(cluster, run_as=run_as, obstacle=obstacle)
    paths = [cluster.parent, postgres]
    reasons: list[str] = []
    for identity in _ways_of_root(cluster, run_as):
        reason = obstacle(identity, paths)
        if reason is None:
            return identity
        reasons.append(reason if identity.way == "namespace" else f"as user {_name(identity.uid)}, {reason}")
    raise EmbeddedPostgresError(
        f"Postgres does not run as root, and no other way to run it is open: {'; '.join(reasons)}. "
        "Let SYNCD_DATA_DIR name a folder that other users can reach, such as one in /var/lib "
        "(where syncd is installed must be one too), or start syncd as an ordinary user"
    )


def _ordinary(cluster: Path, *, run_as: RunAs, obstacle: Obstacle) -> Identity:
    uid, gid = os.geteuid(), os.getegid()
    if cluster.exists() and cluster.stat().st_uid != uid:
        raise EmbeddedPostgresError(
            f"{cluster} belongs to user {_name(cluster.stat().st_uid)}; start syncd as that user, not as {_name(uid)}"
        )
    # `docker run --user 12345` gives a uid without a name, which initdb refuses; a namespace can lend it one.
    if run_as == "namespace" or (run_as == "auto" and not _has_name(uid)):
        lent = _in_namespace(uid, gid)
        if obstacle(lent, [cluster.parent]) is None:
            return lent
    return Identity("plain", uid, gid, uid, gid)


def _ways_of_root(cluster: Path, run_as: RunAs) -> list[Identity]:
    owner = (cluster if cluster.exists() else cluster.parent).stat()
    # A folder that is still empty may belong to a uid without a name (a container's volume); initdb could not use it.
    if run_as == "auto" and owner.st_uid != 0 and (cluster.exists() or _has_name(owner.st_uid)):
        return [_as_user(owner.st_uid, owner.st_gid)]
    ways: list[Identity] = []
    if run_as in ("auto", "namespace"):
        ways.append(_in_namespace(0, os.getegid()))
    if run_as in ("auto", "user"):
        found = _first_user(OTHER_USERS)
        if found is not None:
            ways.append(_as_user(found.pw_uid, found.pw_gid))
    return ways


def _in_namespace(uid: int, gid: int) -> Identity:
    inside = _first_user(INSIDE_USERS)
    return Identity("namespace", uid, gid, inside.pw_uid if inside else 1, inside.pw_gid if inside else 1)


def _as_user(uid: int, gid: int) -> Identity:
    return Identity("user", uid, gid, uid, gid)


def _first_user(names: tuple[str, ...]) -> pwd.struct_passwd | None:
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name if _has_name(uid) else str(uid)
