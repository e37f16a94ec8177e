"""A gateway that dies, as by kill -9, at one step of its n-th append: `dying_gateway.py STEP N`, then as the program.

under way   the request is in the socket to the broker, and nobody has answered
written     the broker has answered, and nobody was told
published   the devices' deltas are made, and nothing has left
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.produce import ProduceRequest

from syncd.cli.run import run
from syncd.log.kafka import KafkaLog
from syncd.push.hub import Hub


class Death:
    """Comes when it was called so often."""

    def __init__(self, calls: int) -> None:
        self._calls = calls

    def calls(self) -> None:
        self._calls -= 1
        if self._calls <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def after_request(send: Callable[..., Any], death: Death) -> Callable[..., Any]:
    @functools.wraps(send)
    def sends(connection: Any, request: Any, *args: Any, **more: Any) -> Any:
        answer = send(connection, request, *args, **more)
        if isinstance(request, ProduceRequest):
            death.calls()
        return answer

    return sends


def after_append(append: Callable[..., Any], death: Death) -> Callable[..., Any]:
    @functools.wraps(append)
    async def appends(*args: Any) -> Any:
        outcomes = await append(*args)
        death.calls()
        return outcomes

    return appends


def after_publish(publish: Callable[..., Any], death: Death) -> Callable[..., Any]:
    @functools.wraps(publish)
    def publishes(hub: Hub, *args: Any) -> Any:
        held, hub.turn.is_held = hub.turn.is_held, True  # or the last record of a stream leaves at once
        try:
            return publish(hub, *args)
        finally:
            death.calls()
            hub.turn.is_held = held

    return publishes


STEPS: dict[str, tuple[type, str, Callable[[Callable[..., Any], Death], Callable[..., Any]]]] = {
    "under way": (AIOKafkaConnection, "send", after_request),
    "written": (KafkaLog, "append", after_append),
    "published": (Hub, "publish", after_publish),
}


if __name__ == "__main__":
    step, calls, *arguments = sys.argv[1:]
    owner, name, dying = STEPS[step]
    setattr(owner, name, dying(getattr(owner, name), Death(int(calls))))
    sys.argv = ["syncd", *arguments]
    sys.exit(run())
