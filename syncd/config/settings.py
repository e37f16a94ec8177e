"""Every setting, in one table: the fields of `Config`, each with its home."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from syncd.config import values
from syncd.config.values import Kind
from syncd.errors import ConfigError
from syncd.limits import LIST_ITEMS_MAX


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table.

    Attributes:
        name: its key in the file and, with dashes, its flag.
        env: its variable. A secret one may stand in a file that `<env>_FILE` names.
        kind: what a value looks like.
        secret: never shown.
    """

    name: str
    env: str
    kind: Kind
    default: Any
    meaning: str
    secret: bool


def _home(env: str, kind: Kind, meaning: str, *, secret: bool = False) -> dict[str, Any]:
    return {"env": env, "kind": kind, "meaning": meaning, "secret": secret}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings, read and checked. Programs that embed syncd may make one themselves."""

    host: str = field(
        default="127.0.0.1",
        metadata=_home(
            "SYNCD_HOST",
            values.HOST,
            "Where listeners bind. Other machines reach it only when it is not a loopback address.",
        ),
    )
    port: int = field(
        default=8080,
        metadata=_home("SYNCD_PORT", values.PORT, "HTTP: the player, the API, health, metrics. 0 takes a free one."),
    )
    ws_port: int = field(
        default=8081,
        metadata=_home("SYNCD_WS_PORT", values.PORT, "Websockets: `/v1/sync`. 0 takes a free one."),
    )
    public_ws_url: str | None = field(
        default=None,
        metadata=_home(
            "SYNCD_PUBLIC_WS_URL",
            values.WS_URL,
            "The address of this gateway's `/v1/sync` as devices reach it, told by `/v1/connect`. Needed behind a "
            "proxy, and where gateway and API have a machine each; without it devices are told the host they asked, "
            "with the gateway's port. Given to the API, it is the address of all gateways that have none.",
        ),
    )
    data_dir: Path = field(
        default=Path("syncd-data"),
        metadata=_home(
            "SYNCD_DATA_DIR",
            values.FOLDER,
            "Holds the embedded Postgres. Relative to the working folder or, when it stands in the file, to the file.",
        ),
    )
    database_url: str | None = field(
        default=None,
        metadata=_home(
            "SYNCD_DATABASE_URL",
            values.DATABASE_URL,
            "A Postgres of your own, 15 or newer, instead of the embedded one.",
            secret=True,
        ),
    )
    log: str = field(
        default="postgres",
        metadata=_home("SYNCD_LOG", values.LOG, "Where events live: a table of the same Postgres, or a Kafka topic."),
    )
    log_partitions: int | None = field(
        default=None,
        metadata=_home(
            "SYNCD_LOG_PARTITIONS",
            values.PARTITIONS,
            "How many partitions a new log gets. Without it 1 in Postgres; in Kafka those that the topic has, or 4. "
            "Written down once, and then only compared: `syncd repartition` changes it.",
        ),
    )
    kafka_security_protocol: str = field(
        default="PLAINTEXT",
        metadata=_home(
            "SYNCD_KAFKA_SECURITY_PROTOCOL",
            values.one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
            "How brokers are spoken to.",
        ),
    )
    kafka_sasl_mechanism: str = field(
        default="PLAIN",
        metadata=_home(
            "SYNCD_KAFKA_SASL_MECHANISM",
            values.one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
            "How the login is proven, where the protocol is a `SASL_` one.",
        ),
    )
    kafka_sasl_username: str | None = field(
        default=None, metadata=_home("SYNCD_KAFKA_SASL_USERNAME", values.TEXT, "The login at the brokers.")
    )
    kafka_sasl_password: str | None = field(
        default=None,
        metadata=_home("SYNCD_KAFKA_SASL_PASSWORD", values.TEXT, "Its password.", secret=True),
    )
    kafka_ca_file: Path | None = field(
        default=None,
        metadata=_home(
            "SYNCD_KAFKA_CA_FILE", values.FILE, "PEM: whose certificates of brokers to trust; the system's without it."
        ),
    )
    kafka_certificate_file: Path | None = field(
        default=None,
        metadata=_home(
            "SYNCD_KAFKA_CERTIFICATE_FILE", values.FILE, "PEM: our own certificate, where brokers ask for one."
        ),
    )
    kafka_key_file: Path | None = field(
        default=None,
        metadata=_home(
            "SYNCD_KAFKA_KEY_FILE", values.FILE, "PEM: its private key, when the certificate's file does not hold it."
        ),
    )
    kafka_key_password: str | None = field(
        default=None,
        metadata=_home("SYNCD_KAFKA_KEY_PASSWORD", values.TEXT, "Of that key, when it has one.", secret=True),
    )
    origins: tuple[str, ...] = field(
        default=(),
        metadata=_home(
            "SYNCD_ORIGINS",
            values.ORIGINS,
            "Pages of other hosts that may open sockets and ask `/v1/...`. Pages of our own host always may.",
        ),
    )
    region: str = field(
        default="",
        metadata=_home("SYNCD_REGION", values.REGION, "Written into every record that this deployment admits."),
    )
    list_items_max: int = field(
        default=LIST_ITEMS_MAX,
        metadata=_home(
            "SYNCD_LIST_ITEMS_MAX",
            values.LIST_ITEMS,
            "Entries that a queue or a playlist may hold; what goes beyond is refused. Gateways decide: give all of a "
            "deployment the same.",
        ),
    )
    projector_nice: int = field(
        default=10,
        metadata=_home(
            "SYNCD_PROJECTOR_NICE",
            values.NICENESS,
            "How far `syncd projector` lets gateways go first where they share processors, as `nice` counts: the "
            "session of its process, when it leads one, and who works for it in an embedded Postgres. 0 changes "
            "nothing.",
        ),
    )
    metrics_port: int | None = field(
        default=None,
        metadata=_home(
            "SYNCD_METRICS_PORT",
            values.PORT,
            "A third listener, for those who watch this process: `/healthz`, `/readyz` and `/metrics`, whatever its "
            "roles. Without it only the API serves them, on `port`. 0 takes a free one.",
        ),
    )
    metrics: bool = field(
        default=True, metadata=_home("SYNCD_METRICS", values.SWITCH, "Serves `/metrics`, wherever health is served.")
    )
    console: str = field(
        default="loopback",
        metadata=_home(
            "SYNCD_CONSOLE",
            values.one_of("loopback", "open", "off"),
            "Who may reach the operators' console, which the API serves at `/console`: programs on its own machine, "
            "every machine that reaches the API, or nobody. Each needs an operator's token. `off` also ends what "
            "processes tell about themselves for it.",
        ),
    )
    traces_url: str | None = field(
        default=None,
        metadata=_home(
            "SYNCD_TRACES_URL",
            values.HTTP_URL,
            "Where OpenTelemetry's collector takes traces over HTTP, as `http://collector:4318/v1/traces`. Needs the "
            "extra `traces`. Without it nothing is traced.",
        ),
    )
    traces_permille: int = field(
        default=10,
        metadata=_home(
            "SYNCD_TRACES_PERMILLE", values.PERMILLE, "Of 1000 events that a gateway admits, how many are traced."
        ),
    )
    log_level: str = field(
        default="info",
        metadata=_home(
            "SYNCD_LOG_LEVEL",
            values.one_of("debug", "info", "warning", "error"),
            "The least important line that the process writes about itself, to stderr.",
        ),
    )
    log_format: str = field(
        default="auto",
        metadata=_home(
            "SYNCD_LOG_FORMAT",
            values.one_of("auto", "text", "json"),
            "The form of those lines. `auto` is text on a terminal and JSON elsewhere.",
        ),
    )

    def __post_init__(self) -> None:
        if self.port == self.ws_port != 0:
            raise ConfigError(f"port and ws_port are both {self.port}; they are two listeners and need two ports")
        if self.kafka_security_protocol.startswith("SASL_"):
            for name in ("kafka_sasl_username", "kafka_sasl_password"):
                if getattr(self, name) is None:
                    raise ConfigError(f"kafka_security_protocol is {self.kafka_security_protocol}: {name} is missing")


SETTINGS: Final[tuple[Setting, ...]] = tuple(
    Setting(name=row.name, default=row.default, **row.metadata) for row in dataclasses.fields(Config)
)
"""The table, in the order of the reference page."""
