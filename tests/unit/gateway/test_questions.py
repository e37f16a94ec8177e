"""What is asked for many at once is each one's own answer."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from syncd.gateway.questions import Questions, Registration
from syncd.store.memory import MemoryStore
from syncd.store.port import WriterIdentity


def test_of_those_who_wish_for_one_writer_in_one_question_one_gets_it_even_if_they_say_the_same() -> None:
    """Two connections of one store may propose its writer at once: it is fresh to one of them."""

    async def story() -> None:
        questions = Questions(cast(Any, None), MemoryStore(), cast(Any, _Accounts()))
        mine, other = WriterIdentity("w" * 10, "alice", "d1", "n1"), WriterIdentity("w" * 10, "bob", "d2", "n2")
        free = WriterIdentity("f" * 10, "alice", "d1", "n1")
        wishes = [Registration(each) for each in (mine, mine, other, free)]
        assert await asyncio.gather(*map(questions.registrations.answer, wishes)) == [True, False, False, True]
        again = [Registration(each) for each in (mine, free)]
        assert await asyncio.gather(*map(questions.registrations.answer, again)) == [False, False]

    asyncio.run(story())


class _Accounts:
    """Nobody asks about logins here."""

    logins = None
