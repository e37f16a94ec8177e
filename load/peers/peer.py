"""What can be measured: a server that starts, tells where it listens, and whose processes are known."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from load.processes import ProcessGroup
from load.scenarios import Scenario

GET_TIMEOUT_S = 300.0
"""For a peer's packages to be fetched and built; after that its place in the report says that it is missing."""


class Missing(Exception):
    """This machine cannot run the peer; says what is missing. The report names it, and fills nothing in."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a server is given: an empty folder, and its core (None: any)."""

    folder: Path
    core: int | None


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is ready.

    Attributes:
        adapter: the generator's, for its protocol.
        processes: the first one holds the connections; "deliveries per CPU second" are of its time.
        logins: per account the tokens of its devices; empty where everybody may come in.
        data_dir: syncd's.
        homes: per account the ports that its devices come to, in turn; empty where everybody comes to `port`.
        metrics_url: where the process that holds the connections counts its statements; only syncd says so.
    """

    adapter: str
    port: int
    processes: list[ProcessGroup]
    host: str = "127.0.0.1"
    logins: list[list[str]] = field(default_factory=list)
    data_dir: str | None = None
    homes: list[list[int]] = field(default_factory=list)
    metrics_url: str | None = None


class Peer(Protocol):
    """`name`: in the report and on the command line. `about`: what it is and what it keeps, in one sentence."""

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str: ...

    def prepare(self) -> None:
        """Get what it needs, once; before anything is measured. Raises `Missing`."""

    def lacks(self, scenario: Scenario) -> str | None:
        """Why a scenario makes no sense with it, or None."""

    def run(self, place: Place, scenario: Scenario) -> AbstractContextManager[Running]:
        """Serve until the block ends.

        Raises:
            ServerFailed: it does not start.
        """


def get(command: Sequence[str], *, cwd: Path) -> None:
    """Fetch or build something by a command. Raises `Missing`, with the end of what the command said."""
    if shutil.which(command[0]) is None:
        raise Missing(f"this machine has no {command[0]}")
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, timeout=GET_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{' '.join(command)} took over {GET_TIMEOUT_S:g} s") from error
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(command)}: {error.stderr.decode(errors='replace').strip()[-500:]}") from error
