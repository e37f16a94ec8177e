"""Questions that many ask in one moment, put together: when 3,000 devices come back, few statements answer all of them.

What is asked while a question is under way goes into the next one, so no answer is older than its asking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

KEYS_MAX = 1_000
"""In one question: a statement of some milliseconds. The others wait for the next."""

K = TypeVar("K")
V = TypeVar("V")
GATHER_S = 0.005
"""Between an answer and the next question: in a storm there would be one for each turn of the event loop, and a
statement costs as much as a whole resume. Who asks first does not wait."""


class Together(Generic[K, V]):
    """Asks for many keys at once, one question after the other.

    Args:
        ask: the answer to each key, none left out. What it raises is raised to all who asked in that question.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def answer(self, key: K) -> V:
        """What is true of the key now, or was a moment ago and after this call. Cancelling it harms nobody else."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[V] = loop.create_future()
        self._waiting.append((key, future))
        if self._asking is None:
            self._asking = loop.create_task(self._ask_all(), name="together")
        return await future

    async def answers(self, keys: Collection[K]) -> dict[K, V]:
        """As `answer`, of each key."""
        if len(keys) == 1:  # as nearly always; a task of its own is not needed
            (key,) = keys
            return {key: await self.answer(key)}
        return dict(zip(keys, await asyncio.gather(*map(self.answer, keys)), strict=True))

    async def _ask_all(self) -> None:
        """Until nobody waits. Bounded by the deadline of each question, and by those who come for the next."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:KEYS_MAX], self._waiting[KEYS_MAX:]
                await self._ask_for(group)
                await asyncio.sleep(GATHER_S)
        finally:
            self._asking = None
            for _, future in self._waiting:  # cancelled: whoever still waits goes with us
                future.cancel()

    async def _ask_for(self, group: Sequence[tuple[K, asyncio.Future[V]]]) -> None:
        keys = list(dict.fromkeys(key for key, future in group if not future.done()))
        if not keys:
            return
        try:
            answers = await self._ask(keys)
        except asyncio.CancelledError:
            for _, future in group:
                future.cancel()
            raise
        except Exception as error:  # it is theirs who asked
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for key, future in group:
            if not future.done():
                future.set_result(answers[key])
