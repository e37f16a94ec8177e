"""The application on real adapters in memory."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from api_under_test import Api

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

    made = Api(
        ApiServices(
            accounts=MemoryAccounts(clock),
            account_state=account_state,
            probes=ProbeServices(readiness=readiness, metrics=Metrics(), clock=clock),
            ws_port=8081,
        )
    )
    return made
