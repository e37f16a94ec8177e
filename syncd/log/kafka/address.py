"""Where a Kafka topic is, and how to get in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Literal

from syncd.errors import ConfigError

CLIENT_ID = "syncd"
"""How brokers name us in their logs and quotas."""


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """A topic of a cluster.

    Attributes:
        servers: `host:port` of some brokers, at least one; the others are learned from them.
    """

    servers: tuple[str, ...]
    topic: str

    @classmethod
    def of_url(cls, url: str) -> KafkaAddress:
        """Read `kafka://host:port[,host:port]/topic`, as `SYNCD_LOG` has it.

        Raises:
            ConfigError: it is something else.
        """
        scheme, _, rest = url.partition("://")
        servers, _, topic = rest.partition("/")
        if scheme != "kafka" or not topic or not all(":" in server for server in servers.split(",")):
            raise ConfigError(f"{url!r} is not kafka://host:port[,host:port]/topic")
        return cls(tuple(servers.split(",")), topic)


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """TLS and SASL, as the cluster asks for them.

    Attributes:
        ca_file: certificates to trust, PEM; the system's when None.
        certificate_file, key_file: our own, PEM, where brokers ask for one.
    """

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)

    def arguments(self) -> dict[str, Any]:
        """As every class of aiokafka takes them.

        Raises:
            ConfigError: a login without a name or password, or a file that cannot be read.
        """
        if self.protocol.startswith("SASL_") and (self.username is None or self.password is None):
            raise ConfigError(f"Kafka's {self.protocol} needs a user name and a password")
        return {
            "security_protocol": self.protocol,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
            "ssl_context": self._tls() if self.protocol.endswith("SSL") else None,
        }

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file, self.key_password)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(f"Kafka's TLS files: {error}") from error
        return context


PLAINTEXT = KafkaSecurity()
"""Neither TLS nor a login."""
