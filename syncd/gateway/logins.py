"""Who stands behind a token: asked for many arrivals at once, and remembered while that is safe.

Remembered is the token's hash, for connected devices and a while longer. What is remembered counts only as long as the
accounts have been asked about it lately: `sweep` asks for everybody, and who is revoked is forgotten at the first word
of it. So a revoked token opens nothing that would not be closed by the same word: at once when the news arrives, at the
next sweep when it was lost, and never while nobody can be asked (docs/decisions/0025-coming-back.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from syncd.accounts import Accounts, Login
from syncd.clock import Clock
from syncd.errors import Unauthenticated
from syncd.gateway.together import Together
from syncd.limits import CONNECTIONS_MAX, LEFT_KEPT_MAX, LEFT_KEPT_S, LOGIN_TRUSTED_S

SWEEP_DEVICES = 250
"""Asked about in one statement. Thousands in one would hold up the loop, and then Postgres, for some ms each time, and
with them all deltas."""


@dataclass(slots=True)
class _Known:
    login: Login
    asked_s: float
    used_s: float


class Logins:
    """Of one gateway."""

    def __init__(self, accounts: Accounts, asked: Together[str, Login | Unauthenticated], clock: Clock) -> None:
        self._accounts = accounts
        self._asked = asked
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
        self._swept_s = float("-inf")

    async def of(self, token: str) -> Login:
        """Who holds a token.

        Raises:
            LoginExpired, LoginRevoked: nobody may come in with it.
            StoreUnavailable: no answer.
        """
        proof = sha256(token.encode("utf-8", "surrogatepass")).digest()
        now_s = self._clock.monotonic_s()
        known = self._known.get(proof)
        if known is not None and now_s - max(known.asked_s, self._swept_s) < LOGIN_TRUSTED_S:
            known.used_s = now_s
            return known.login
        answer = await self._asked.answer(token)
        if isinstance(answer, Unauthenticated):
            self._known.pop(proof, None)
            raise answer
        if len(self._known) < CONNECTIONS_MAX + LEFT_KEPT_MAX:
            self._known[proof] = _Known(answer, now_s, now_s)
        return answer

    def revoked(self, device: str) -> None:
        """The device may not come in any more."""
        for proof in [proof for proof, known in self._known.items() if known.login.device == device]:
            del self._known[proof]

    async def sweep(self, connected: Collection[str]) -> list[str]:
        """Those of the connected and the remembered devices that are revoked; they are remembered no more.

        Raises `StoreUnavailable`; then nothing was learned.
        """
        began_s = self._clock.monotonic_s()
        for proof, known in list(self._known.items()):
            if known.login.device in connected:
                known.used_s = began_s
            elif began_s - known.used_s > LEFT_KEPT_S:
                del self._known[proof]
        devices = list({*connected, *(known.login.device for known in self._known.values())})
        revoked: list[str] = []
        for start in range(0, len(devices), SWEEP_DEVICES):
            revoked += await self._accounts.revoked_of(devices[start : start + SWEEP_DEVICES])
        for device in revoked:
            self.revoked(device)
        self._swept_s = began_s
        return revoked
