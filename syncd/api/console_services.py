"""What the operators' console is given, all of it by the one who starts the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from syncd.clock import Clock
from syncd.operators import Operators

Document: TypeAlias = Mapping[str, object]
"""A JSON object. Its lists are bounded."""


class Desk(Protocol):
    """What operators look at and do. `account`: an id or a name; errors are those of `syncd.errors`.

    What changes something is written down, with the name of the operator, before it is begun and when it is over.
    """

    async def find_accounts(self, text: str, *, after: str, limit: int) -> Document:
        """Accounts whose name or id holds the text."""

    async def account(self, account: str) -> Document:
        """One account with its streams and devices."""

    async def timeline(
        self, account: str, *, stream: str | None, device: str | None, kind: str | None, key: str | None,
        lost_only: bool, before: str | None, limit: int,
    ) -> Document:  # fmt: skip
        """Who did what, and which write won. `before`: as an earlier answer's `older`."""

    async def state(self, account: str, *, at: str | None) -> Document:
        """All that its devices show, now or at a moment."""

    async def difference(self, account: str, *, since: str, until: str | None) -> Document:
        """What changed between two moments."""

    async def letters(self, *, account: str | None, reason: str | None, after: str | None, limit: int) -> Document:
        """Dead letters."""

    async def letter(self, position: str) -> Document:
        """One of them, opened."""

    async def acts(self, *, before: int | None, limit: int) -> Document:
        """What operators did, newest first."""

    async def retry_letter(self, position: str, *, operator: str) -> Document:
        """Append a dead letter's record again."""

    async def drop_letter(self, position: str, *, operator: str) -> Document:
        """Forget a dead letter."""

    async def start_verify(self, account: str | None, *, operator: str) -> Document:
        """Begin to compare the store with the log."""

    async def start_rebuild(self, account: str | None, *, dry_run: bool, operator: str) -> Document:
        """Begin to build cells anew."""

    async def cancel_job(self, job: str, *, operator: str) -> Document:
        """End a running job."""


class Panel(Protocol):
    """Figures as they go. Nothing here raises."""

    @property
    def number(self) -> int:
        """Of the latest sample; 0 before the first."""

    @property
    def sample(self) -> bytes:
        """The latest sample as JSON; `null` before the first."""

    @property
    def jobs(self) -> bytes:
        """The jobs of this process as JSON, newest first."""

    @property
    def is_closed(self) -> bool:
        """Whether this process stops: nothing more will come."""

    def history(self) -> Mapping[str, Sequence[float | None]]:
        """The samples kept, oldest first, as columns."""

    async def news(self, *, timeout_s: float) -> None:
        """Return at the next sample or change of a job, or after `timeout_s`."""


AtDesk: TypeAlias = Callable[[Callable[[Desk], Awaitable[Document]]], Awaitable[bytes]]
"""Asks one question at the desk, where it holds up nobody else; the answer as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleServices:
    """`is_open`: whether other machines may reach the console; else only programs on this one."""

    operators: Operators
    at_desk: AtDesk
    panel: Panel
    clock: Clock
    is_open: bool
