"""Many ask, one statement answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from syncd.errors import StoreUnavailable
from syncd.gateway.together import KEYS_MAX, Together


class Oracle:
    """Answers each number by the count of questions so far; the door can be held."""

    def __init__(self) -> None:
        self.questions: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fails = False

    async def ask(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.questions.append(list(keys))
        number = len(self.questions)
        await self.open.wait()
        if self.fails:
            raise StoreUnavailable("away")
        return dict.fromkeys(keys, number)


def test_those_who_ask_in_one_moment_share_a_question_and_equal_keys_a_place_in_it() -> None:
    async def story() -> None:
        oracle = Oracle()
        together = Together(oracle.ask)
        assert await asyncio.gather(*map(together.answer, [1, 2, 2, 3])) == [1, 1, 1, 1]
        assert oracle.questions == [[1, 2, 3]]

    asyncio.run(story())


@pytest.mark.parametrize("keys", [set(), {1}, {1, 2, 3}])
def test_many_keys_of_one_asker_are_one_question(keys: set[int]) -> None:
    async def story() -> None:
        oracle = Oracle()
        assert await Together(oracle.ask).answers(keys) == dict.fromkeys(keys, 1)
        assert [set(question) for question in oracle.questions] == ([keys] if keys else [])

    asyncio.run(story())


def test_who_asks_while_a_question_is_under_way_gets_the_next_one() -> None:
    """The answer under way may have been read before the asking: it would be too old."""

    async def story() -> None:
        oracle = Oracle()
        oracle.open.clear()
        together = Together(oracle.ask)
        first = asyncio.create_task(together.answer(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert oracle.questions == [[1]]
        later = [asyncio.create_task(together.answer(1)) for _ in range(5)]
        await asyncio.sleep(0)
        oracle.open.set()
        assert await first == 1
        assert await asyncio.gather(*later) == [2] * 5
        assert oracle.questions == [[1], [1]]

    asyncio.run(story())


def test_a_question_is_bounded() -> None:
    async def story() -> None:
        oracle = Oracle()
        together = Together(oracle.ask)
        await asyncio.gather(*map(together.answer, range(KEYS_MAX + 1)))
        assert [len(question) for question in oracle.questions] == [KEYS_MAX, 1]

    asyncio.run(story())


def test_a_failure_is_theirs_who_asked_and_the_next_question_goes_on() -> None:
    async def story() -> None:
        oracle = Oracle()
        oracle.fails = True
        together = Together(oracle.ask)
        said = await asyncio.gather(together.answer(1), together.answer(2), return_exceptions=True)
        assert [str(error) for error in said] == ["away", "away"]
        oracle.fails = False
        assert await together.answer(1) == 2

    asyncio.run(story())


def test_who_gives_up_harms_nobody_and_is_not_asked_for() -> None:
    async def story() -> None:
        oracle = Oracle()
        oracle.open.clear()
        together = Together(oracle.ask)
        first, second = (asyncio.create_task(together.answer(key)) for key in (1, 2))
        await asyncio.sleep(0)
        third = asyncio.create_task(together.answer(3))
        await asyncio.sleep(0)
        for task in (first, third):
            task.cancel()
        oracle.open.set()
        assert await second == 1
        with pytest.raises(asyncio.CancelledError):
            await third
        assert oracle.questions == [[1, 2]]

    asyncio.run(story())
