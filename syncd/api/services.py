"""What the API is given, all of it by the one who starts it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from syncd.accounts import Accounts, Device, LinkedDevice
from syncd.api.console_services import ConsoleServices
from syncd.clock import Clock
from syncd.limits import LIST_ITEMS_MAX, READY_LAG_RECORDS_MAX
from syncd.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether this process should get traffic, and the facts behind it.

    Attributes:
        draining: it was told to stop.
        database_error: public text of what went wrong when the database was asked; None when it answered.
        log_error: the same of the log, when the database had answered.
        migrations_pending: how many the database lacks; None when it could not be asked.
        lag_records: between the checkpoints and the ends of all partitions; None when it could not be asked.
    """

    draining: bool = False
    database_error: str | None = None
    log_error: str | None = None
    migrations_pending: int | None = 0
    lag_records: int | None = 0

    def reasons(self) -> list[str]:
        """Why it is not ready, in public words; empty when it is."""
        reasons = []
        if self.draining:
            reasons.append("draining: this process is about to stop")
        if self.database_error is not None:
            reasons.append(f"database: {self.database_error}")
        if self.log_error is not None:
            reasons.append(f"log: {self.log_error}")
        if self.migrations_pending:
            reasons.append(f"migrations: {self.migrations_pending} pending; run `syncd migrate`")
        if self.lag_records is not None and self.lag_records > READY_LAG_RECORDS_MAX:
            reasons.append(f"lag: {self.lag_records} records, at most {READY_LAG_RECORDS_MAX}")
        return reasons


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where a gateway is: at `ws_url`, or when that is None at `ws_port` of the host that the caller used for us."""

    ws_url: str | None
    ws_port: int


async def no_gateways(account: str | None) -> Sequence[GatewayAddress]:
    """Nobody has said that they are here."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeServices:
    """What a process tells those who watch it.

    Attributes:
        readiness: asked at every `/readyz`; answers within a second or two even when the database does not.
        serves_metrics: whether `/metrics` exists.
    """

    readiness: Callable[[], Awaitable[Readiness]]
    metrics: Metrics
    clock: Clock
    serves_metrics: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """Doors and settings.

    Attributes:
        account_state: all views of an account as JSON values, by account id. Raises `Unavailable`.
        link_device: a new device of an account, by account id and name. Raises as `syncd.operations.devices` does.
        revoke_device: the end of a device's login, by its id. Raises likewise.
        gateways: those that are here, best first for an account; in any order for None. Never raises.
        ws_port: the port of a gateway that nobody has announced, on the host that the caller used for us.
        public_ws_url: the address of gateways that have none of their own, where they are not reached at the host that
            the caller used for us, as behind a proxy.
        list_items_max: entries that a list may hold, for the documentation.
        origins: of pages of other hosts that may ask here, as `https://player.example`.
        console: of the operators; None where it is off.
    """

    accounts: Accounts
    account_state: Callable[[str], Awaitable[Mapping[str, object]]]
    link_device: Callable[[str, str], Awaitable[LinkedDevice]]
    revoke_device: Callable[[str], Awaitable[Device]]
    probes: ProbeServices
    ws_port: int
    public_ws_url: str | None = None
    gateways: Callable[[str | None], Awaitable[Sequence[GatewayAddress]]] = no_gateways
    list_items_max: int = LIST_ITEMS_MAX
    origins: Sequence[str] = ()
    console: ConsoleServices | None = None
