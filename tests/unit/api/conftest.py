"""The application on real adapters in memory."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from api_under_test import Api

from syncd.accounts import LinkedDevice
from syncd.accounts.memory import MemoryAccounts
from syncd.api.services import ApiServices, ProbeServices, Readiness
from syncd.clock import SystemClock
from syncd.metrics import Metrics


@pytest.fixture
def api() -> Api:
    clock = SystemClock()

    async def account_state(account: str) -> Mapping[str, object]:
        return {"account": account, "queue": []}

    async def readiness() -> Readiness:
        return made.readiness

    accounts = MemoryAccounts(clock)

    async def link_device(account: str, name: str) -> LinkedDevice:
        return await accounts.link(account, name=name)

    made = Api(
        ApiServices(
            accounts=accounts,
            account_state=account_state,
            link_device=link_device,
            revoke_device=accounts.revoke,
            probes=ProbeServices(readiness=readiness, metrics=Metrics(), clock=clock),
            ws_port=8081,
        )
    )
    return made
