"""A topic that is fit to be a log: made so when absent, checked when there."""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest

from syncd.errors import ConfigError, LogUnavailable
from syncd.log.kafka.brokers import NO_SUCH_TOPIC, Brokers, error_name
from syncd.log.kafka.wire import TopicMetadata

BATCH_BYTES_MAX: Final = 8 * 1024 * 1024
"""One append to one partition, as it goes over the wire. A group of the largest appends (`limits.APPEND_BYTES_MAX`) and
all its headers fit in, and clusters for rent allow so much."""

PARTITIONS_NEW: Final = 4
"""Of a topic that we create when nobody said how many: four projectors share the work, and a gateway's appends still
come in batches. Changing it later moves streams between partitions."""

REPLICAS_MAX: Final = 3
"""Copies of a record, where there are as many brokers."""

APPEAR_TIMEOUT_S: Final = 10.0
"""For a topic that was created to be known everywhere, with leaders."""

_APPEAR_POLL_S: Final = 0.05
_ALREADY_EXISTS: Final = 36
_TOPIC_RESOURCE: Final = 2


async def fit_topic(brokers: Brokers, partitions: int | None, *, making: bool = True) -> TopicMetadata:
    """The topic, after a look at its settings.

    Args:
        partitions: how many the deployment has written down, and a new topic gets; None takes what is there, or
            `PARTITIONS_NEW`.
        making: make it when absent.

    Raises:
        ConfigError: the topic is absent, has another number, or settings under which a log loses records.
        LogUnavailable: no broker answers, or will not create the topic.
    """
    topic = brokers.address.topic
    found = await brokers.describe()
    if found.error in NO_SUCH_TOPIC:
        if not making:
            raise ConfigError(f"there is no topic {topic}")
        await _create(brokers, partitions or PARTITIONS_NEW, brokers_count=len(found.brokers))
        found = await _appeared(brokers, partitions or PARTITIONS_NEW)
    elif found.error:
        raise LogUnavailable(f"topic {topic}: Kafka answers {error_name(found.error)}")
    if partitions not in (None, len(found.leaders)):
        raise other_partitions(topic, len(found.leaders), partitions)
    await _check_settings(brokers)
    return found


def other_partitions(topic: str, found: int, expected: int | None) -> ConfigError:
    """What to say of a topic with another number of partitions."""
    return ConfigError(f"topic {topic} has {found} partitions, the deployment {expected}: see `syncd repartition`")


async def _create(brokers: Brokers, partitions: int, *, brokers_count: int) -> None:
    replicas = min(REPLICAS_MAX, brokers_count)
    settings = {
        # The log is the truth: it forgets when `syncd log trim` says so, not when a week has passed.
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "max.message.bytes": str(BATCH_BYTES_MAX),
        # An acked record outlives any one broker; better no leader than one that lacks records.
        "min.insync.replicas": str(max(1, replicas - 1)),
        "unclean.leader.election.enable": "false",
    }
    request = CreateTopicsRequest(
        create_topic_requests=[(brokers.address.topic, partitions, replicas, [], list(settings.items()))],
        timeout=int(APPEAR_TIMEOUT_S * 1000),
        validate_only=False,
    )
    response = await brokers.ask_any(request)
    for _, error, message in response.topic_errors:
        # Somebody else may have been faster; what he made is looked at as any other.
        if error not in (0, _ALREADY_EXISTS):
            raise LogUnavailable(
                f"topic {brokers.address.topic} cannot be created: Kafka answers {error_name(error)}"
                + (f", {message}" if message else "")
            )


async def _appeared(brokers: Brokers, partitions: int) -> TopicMetadata:
    try:
        async with asyncio.timeout(APPEAR_TIMEOUT_S):
            while True:
                found = await brokers.describe()
                if not found.error and found.leaders and min(found.leaders.values()) >= 0:
                    return found
                await asyncio.sleep(_APPEAR_POLL_S)
    except TimeoutError as error:
        raise LogUnavailable(
            f"topic {brokers.address.topic} was created, and is not there with {partitions} leaders"
            f" after {APPEAR_TIMEOUT_S:g} s"
        ) from error


async def _check_settings(brokers: Brokers) -> None:
    topic = brokers.address.topic
    names = ["cleanup.policy", "max.message.bytes"]
    request = DescribeConfigsRequest([(_TOPIC_RESOURCE, topic, names)], False)
    response = await brokers.ask_any(request)
    ((error, message, _, _, entries, *_),) = response.resources
    if error:
        raise LogUnavailable(f"settings of topic {topic}: Kafka answers {error_name(error)}, {message}")
    held = {entry[0]: entry[1] for entry in entries}
    if "compact" in held["cleanup.policy"]:
        raise ConfigError(f"topic {topic} has cleanup.policy={held['cleanup.policy']}: compaction would delete events")
    if int(held["max.message.bytes"]) < BATCH_BYTES_MAX:
        raise ConfigError(
            f"topic {topic} has max.message.bytes={held['max.message.bytes']}, at least {BATCH_BYTES_MAX} are needed"
        )
