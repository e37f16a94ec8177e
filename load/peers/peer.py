"""What can be measured: a server that starts, tells where it listens, and whose processes are known."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from load.processes import ProcessGroup
from load.scenarios import Scenario


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
    """

    adapter: str
    port: int
    processes: list[ProcessGroup]
    host: str = "127.0.0.1"
    logins: list[list[str]] = field(default_factory=list)


class Peer(Protocol):
    """`name`: in the report and on the command line. `about`: what it is and what it keeps, in one sentence."""

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str: ...

    def run(self, place: Place, scenario: Scenario) -> AbstractContextManager[Running]:
        """Serve until the block ends.

        Raises:
            Missing: it cannot be had here.
            ServerFailed: it does not start.
        """
