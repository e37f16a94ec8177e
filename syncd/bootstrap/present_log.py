"""The deployment's log, where it is: settings say where to look for it, the store's row says where it must be.

Whoever opens it first writes down where that was, which topic it was, and how many partitions it has. From then on a
setting that leads elsewhere is a mistake, and told as one, instead of a log that begins anew beside the old one.

Source: docs/decisions/0009-which-log-is-ours.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from syncd.config import Config
from syncd.errors import ConfigError
from syncd.log.port import EventLog, TrimmableLog
from syncd.log.postgres import LogClosed, PostgresLog
from syncd.log.postgres.notifier import LATER_MS, SOON_MS
from syncd.logs import get_logger
from syncd.projector.shares import EveryPartition, Shares
from syncd.store.deployment_row import DeploymentRow, claim_topic, deployment_row, open_abandoned

if TYPE_CHECKING:
    from syncd.log.kafka import KafkaLog, KafkaSecurity

log = get_logger("bootstrap")

TAKE_OVER = "if it is to be this deployment's log from now on, run `syncd migrate --new-epoch` first"


async def open_log(config: Config, dsn: str, *, making: bool, serves_devices: bool) -> TrimmableLog:
    """Open the log.

    Args:
        dsn: of the migrated database.
        making: whether a topic that is absent may be made, where that loses nothing.
        serves_devices: whether devices wait for what others append.

    Raises:
        ConfigError: it is not where the settings say, or not as it was written down.
        LogUnavailable, StoreUnavailable: no answer.
    """
    written = await deployment_row(dsn)
    url = config.log
    if url == "postgres":
        if written.log in (None, "postgres"):
            return await _open_table(config, dsn, news_within_ms=SOON_MS if serves_devices else LATER_MS)
        # It moved, while servers ran or since they were set up: the row is right, and nobody need hurry.
        assert written.log is not None
        url = written.log
        log.warning("log_has_moved", reason=f"set SYNCD_LOG to {url}")
    _check_place(url, config, written)
    # Not at the top: the package is an extra, and commands on Postgres need not wait for it.
    try:
        from syncd.log.kafka import LATER_MS as TOPIC_LATER_MS
        from syncd.log.kafka import open_kafka_log
    except ImportError as error:
        raise ConfigError(f"the log is in {url}: `pip install syncd[kafka]` ({error})") from error
    is_known = bool(written.topic_id)
    try:
        topic = await open_kafka_log(
            url, partitions=written.partitions or config.log_partitions, security=kafka_security(config),
            marker=str(written.life), making=making and not is_known, epoch=written.epoch,
            news_within_ms=SOON_MS if serves_devices else TOPIC_LATER_MS,
        )  # fmt: skip
    except ConfigError as error:
        if is_known:
            error.add_note(f"this deployment's log was there: bring the topic back; or, {TAKE_OVER}")
        raise
    try:
        await _check_topic(topic, written)
        await _claim(topic, url, dsn, written)
    except BaseException:
        await topic.close()
        raise
    return topic


async def _open_table(config: Config, dsn: str, *, news_within_ms: int) -> PostgresLog:
    try:
        return await PostgresLog.open(dsn, partitions=config.log_partitions, news_within_ms=news_within_ms)
    except LogClosed:
        # Whoever closed it to move it may have died since. While he lives, he holds a lock.
        if not await open_abandoned(dsn):
            raise
        return await PostgresLog.open(dsn, partitions=config.log_partitions, news_within_ms=news_within_ms)


async def open_topic(config: Config, url: str, *, partitions: int, life: UUID) -> KafkaLog:
    """A topic that may become the deployment's log; it is made when there is none.

    Raises:
        ConfigError: `url` names none, or it has another number of partitions.
        LogUnavailable: no broker answers.
    """
    from syncd.log.kafka import open_kafka_log

    return await open_kafka_log(url, partitions=partitions, security=kafka_security(config), marker=str(life))


def shares_of(config: Config, log: EventLog) -> Shares:
    """How projectors share the log's partitions: a consumer group deals those of a topic."""
    if isinstance(log, PostgresLog):
        return EveryPartition(log.partitions)
    from syncd.log.kafka import KafkaGroup, KafkaLog

    assert isinstance(log, KafkaLog), "there are two kinds"
    return KafkaGroup(log.address, kafka_security(config))


def kafka_security(config: Config) -> KafkaSecurity:
    """Login and TLS, as the settings have them."""
    from syncd.log.kafka import KafkaSecurity

    return KafkaSecurity(
        protocol=cast(Any, config.kafka_security_protocol),  # the settings allow the same words
        mechanism=cast(Any, config.kafka_sasl_mechanism),
        username=config.kafka_sasl_username,
        password=config.kafka_sasl_password,
        ca_file=_text(config.kafka_ca_file),
        certificate_file=_text(config.kafka_certificate_file),
        key_file=_text(config.kafka_key_file),
        key_password=config.kafka_key_password,
    )


def _check_place(url: str, config: Config, written: DeploymentRow) -> None:
    """Raise unless the settings and the row may mean the same log."""
    if written.log == "postgres":
        raise ConfigError(f"SYNCD_LOG is {url}, but this deployment's log is in Postgres: `syncd move-log` moves it")
    if written.log is not None and _topic(written.log) != _topic(url):
        raise ConfigError(f"SYNCD_LOG is {url}, but this deployment's log is in {written.log}")
    if config.log_partitions not in (None, written.partitions) and written.partitions is not None:
        raise ConfigError(
            f"SYNCD_LOG_PARTITIONS is {config.log_partitions}, but the log has {written.partitions}: "
            "`syncd repartition` changes it"
        )


async def _check_topic(log: KafkaLog, written: DeploymentRow) -> None:
    """Raise unless the topic is the one that was written down, or may become it."""
    if written.topic_id and written.topic_id != log.topic_id:
        raise ConfigError(f"topic {log.topic} is not the one of this deployment: it was deleted and made again")
    if written.topic_id is None:
        for partition in range(log.partitions):
            if end := await log.end(partition):
                raise ConfigError(
                    f"partition {partition} of topic {log.topic} holds {end} records that this deployment has not "
                    f"written: is it another one's? Name another topic; or, {TAKE_OVER}"
                )


async def _claim(log: KafkaLog, url: str, dsn: str, written: DeploymentRow) -> None:
    """Write down what was opened, where nobody did."""
    if written.topic_id == log.topic_id:
        return
    if await claim_topic(dsn, written, log=url, topic_id=log.topic_id, partitions=log.partitions):
        return
    raise ConfigError(f"somebody opened another log than {url} for this deployment just now; see its settings")


def _topic(url: str) -> str:
    return url.rpartition("/")[2]


def _text(path: object | None) -> str | None:
    return None if path is None else str(path)
