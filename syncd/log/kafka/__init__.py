"""The log as a Kafka topic, for many gateways. Source: docs/decisions/0007-kafka-log.md"""

from syncd.log.kafka.address import KafkaAddress, KafkaSecurity
from syncd.log.kafka.group import KafkaGroup
from syncd.log.kafka.log import KafkaLog, open_kafka_log
from syncd.log.kafka.watching import LATER_MS

__all__ = ["LATER_MS", "KafkaAddress", "KafkaGroup", "KafkaLog", "KafkaSecurity", "open_kafka_log"]
