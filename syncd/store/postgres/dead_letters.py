"""Records that were set aside, as operators look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries
from syncd.store.port import DeadLetter, DeadLetterRow, LetterFilter, LetterPosition

_QUERIES = load_queries("syncd.store", "dead_letters.sql")
_FROM_THE_FIRST = (None, None, None)


class PostgresDeadLetters:
    """A `DeadLetters`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def dead_letters(
        self, filter_: LetterFilter, *, after: LetterPosition | None, limit: int
    ) -> Sequence[DeadLetter]:
        wanted = (filter_.streams, filter_.partition, filter_.offset, filter_.reason)
        rows = await self._database.rows(_QUERIES["dead_letters"], *(after or _FROM_THE_FIRST), *wanted, limit)
        return [_letter(*row) for row in rows]

    async def dead_letter(self, position: LetterPosition) -> DeadLetterRow | None:
        row = await self._database.row(_QUERIES["dead_letter"], *position)
        return None if row is None else DeadLetterRow(*row)

    async def drop_dead_letter(self, position: LetterPosition) -> bool:
        return await self._database.row(_QUERIES["drop_dead_letter"], *position) is not None


def _letter(partition: int, epoch: str, offset: int, *rest: Any) -> DeadLetter:
    return DeadLetter(LetterPosition(partition, epoch, offset), *rest)
