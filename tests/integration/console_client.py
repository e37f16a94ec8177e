"""The operators' console as a program asks it: a client with an operator's token, and the events of its live answer."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
from live_service import NAMES, Live

from syncd.testing.patience import PATIENCE_S, eventually

TIMEOUT_S = 60.0


class Console:
    """One operator's way in."""

    def __init__(self, client: httpx.AsyncClient, name: str) -> None:
        self.client = client
        self.name = name

    async def get(self, path: str, **values: str | int) -> Any:
        answer = await self.client.get(f"/console/api/{path}", params=values)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **values: str | int) -> Any:
        answer = await self.client.post(f"/console/api/{path}", params=values)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, *, status: int, method: str = "GET", **values: str | int) -> str:
        """What is said to a question that is refused."""
        answer = await self.client.request(method, f"/console/api/{path}", params=values)
        assert answer.status_code == status, answer.text
        return str(answer.json()["error"]["message"])

    async def events(self) -> AsyncGenerator[tuple[str, Any], None]:
        """Live events, as they come, until the caller stops or the answer ends."""
        async with self.client.stream("GET", "/console/api/live") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            name = ""
            async for line in answer.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    yield name, json.loads(value)

    async def ended(self, job: str) -> dict[str, Any]:
        """A job, when it has ended; how it went is told by live events."""
        async with aclosing(self.events()) as events:
            async for name, told in events:
                for each in told if name == "jobs" else ():
                    if each["job"] == job and each["state"] != "running":
                        return dict(each)
        raise AssertionError(f"the live answer ended before job {job} did")

    async def acts(self) -> list[tuple[str, str]]:
        """What this operator did, oldest first."""
        acts = (await self.get("acts"))["acts"]
        return [(act["what"], act["outcome"]) for act in reversed(acts) if act["operator"] == self.name]

    async def noted(self, what: str) -> list[str]:
        """The outcomes written down of something, when it is over."""

        async def outcomes() -> list[str]:
            found = [outcome for noted, outcome in await self.acts() if noted == what]
            return found if len(found) > 1 else []

        return await eventually(outcomes, f"nobody wrote down what came of {what!r}", timeout_s=PATIENCE_S)


@asynccontextmanager
async def operating(live: Live, *, url: str | None = None) -> AsyncIterator[Console]:
    """The console of the service, or of another one at `url`, with a fresh operator."""
    made = await live.service.deployment.operators.create(f"operator-{next(NAMES)}")
    headers = {"authorization": f"Bearer {made.token}"}
    async with httpx.AsyncClient(
        base_url=url or live.service.http_url, headers=headers, timeout=TIMEOUT_S, trust_env=False
    ) as client:
        yield Console(client, made.name)
