"""A consumer group that deals out partitions, and does nothing else.

Its members read nothing through it and commit nothing to it: reading is `KafkaLog`'s, and checkpoints lie in the store.
So it is aiokafka's coordinator alone, without the consumer around it, whose positions would have to be kept from being
reset, and who leaves a group when nobody polls him.

Rebalances are eager, the only kind that aiokafka knows: everything is revoked, then dealt anew. We do not listen to
the first half. A share stands until another one was dealt, so nothing pauses meanwhile, nor while the group's
coordinator is away; a partition that two believe to be theirs is one's by its lease.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError

from syncd.log.kafka.address import CLIENT_ID, PLAINTEXT, KafkaAddress, KafkaSecurity
from syncd.logs import get_logger

SESSION_S = 6.0
"""After so long without a heartbeat a member's share is dealt to the others; brokers allow no less by default. A worker
that was killed is replaced sooner, by whoever sees its leases run out; this moves the load to where it belongs."""
HEARTBEAT_S = 1.0
"""So members learn of a rebalance within a second."""
LOOK_S = 1.0
"""Between looks at whether we are still a member."""
REQUEST_TIMEOUT_S = 2 * SESSION_S
"""A join is answered when all members have joined, which takes up to a session."""
RETRY_MS = 500
"""While a broker is away."""
LEAVE_TIMEOUT_S = 2.0
"""To say that we leave; else the session runs out."""
NEVER_MS = 2**40
"""For "when nobody polls": there is nobody to poll."""

_log = get_logger("log")


class KafkaGroup:
    """The share of one worker, as a group of the topic's name deals it."""

    # No base class: aiokafka's has no types, and asks only for the two methods.

    def __init__(self, address: KafkaAddress, security: KafkaSecurity = PLAINTEXT) -> None:
        self.group_id = f"syncd.{address.topic}"
        self.assigned: frozenset[int] = frozenset()
        self.rebalances = 0
        self._address = address
        self._security = security
        self._dealt = asyncio.Event()

    async def rebalanced(self, since: int) -> None:
        while self.rebalances == since:
            await self._dealt.wait()

    async def run(self) -> None:
        while True:
            try:
                await self._be_a_member()
            except (KafkaError, OSError, TimeoutError) as error:
                # Nothing stops: a share stands until another one is dealt.
                _log.warning("group_away", error=repr(error))
            await asyncio.sleep(LOOK_S)

    async def _be_a_member(self) -> None:
        client = AIOKafkaClient(
            bootstrap_servers=list(self._address.servers), client_id=CLIENT_ID,
            request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000), retry_backoff_ms=RETRY_MS, **self._security.arguments(),
        )  # fmt: skip
        coordinator: Any = None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                await client.bootstrap()
            subscription = SubscriptionState()
            subscription.subscribe({self._address.topic}, listener=_Dealt(self._take))
            client.set_topics([self._address.topic])
            coordinator = GroupCoordinator(
                client, subscription, group_id=self.group_id, session_timeout_ms=int(SESSION_S * 1000),
                heartbeat_interval_ms=int(HEARTBEAT_S * 1000), rebalance_timeout_ms=int(SESSION_S * 1000),
                retry_backoff_ms=RETRY_MS, max_poll_interval_ms=NEVER_MS, enable_auto_commit=False,
                assignors=(_sticky(),),
            )  # fmt: skip
            while True:
                await asyncio.sleep(LOOK_S)
                coordinator.check_errors()
        finally:
            await _leave(client, coordinator)

    def _take(self, partitions: frozenset[int]) -> None:
        self.assigned = partitions
        self.rebalances += 1
        self._dealt.set()
        self._dealt.clear()
        _log.info("partitions_dealt", partitions=sorted(partitions))


class _Dealt(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Hears what was dealt, and not what was revoked before."""

    def __init__(self, take: Any) -> None:
        self._take = take

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Nothing: what was ours stays so until somebody else has its lease, or shares were dealt."""

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._take(frozenset(place.partition for place in assigned))


def _sticky() -> Any:
    """aiokafka's sticky assignor keeps a member's last share on the class: each member needs a class of its own."""
    return type("Sticky", (StickyPartitionAssignor,), {"member_assignment": None})


async def _leave(client: Any, coordinator: Any) -> None:
    """Say that we leave, if somebody listens, and let nothing of it run on."""
    try:
        async with asyncio.timeout(LEAVE_TIMEOUT_S):
            if coordinator is not None:
                await coordinator.close()
            await client.close()
    except (KafkaError, OSError, TimeoutError) as error:
        _log.info("group_not_told", error=repr(error))
        tasks = (
            [] if coordinator is None
            else [coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task]
        )  # fmt: skip
        for task in filter(None, tasks):
            task.cancel()
        await asyncio.gather(*filter(None, tasks), client.close(), return_exceptions=True)
    await asyncio.sleep(0)  # for transports to be closed, which takes a turn of the loop
