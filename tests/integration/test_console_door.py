"""Who may come to the operators' console, and who may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from console_client import operating
from house import HandClock
from live_service import Live, on_live
from raw_device import RawDevice

from syncd.accounts import LinkedDevice
from syncd.accounts.memory import MemoryAccounts
from syncd.api.app import create_app
from syncd.api.console import QUESTIONS
from syncd.api.console_services import ConsoleServices, Desk
from syncd.api.services import ApiServices, ProbeServices, Readiness
from syncd.config import Config
from syncd.errors import Conflict, LoginRevoked, Refused
from syncd.limits import CONSOLE_LOGINS, CONSOLE_LOGINS_PER_S, CONSOLE_REQUESTS, HTTP_REQUEST_TIMEOUT_S
from syncd.metrics import Metrics
from syncd.operations.console.figures import figures_of
from syncd.operations.console.panel import Panel
from syncd.operators.service import PostgresOperators
from syncd.protocol.close_codes import LOGIN_EXPIRED
from syncd.store.memory import MemoryStore
from syncd.testing.patience import PATIENCE_S
from syncd.testing.service import running_service

ROUTES = [("GET", "me"), ("GET", "live"), *((each.method, each.path) for each in QUESTIONS)]
NEAR = ("127.0.0.1", 50_000)
LOCAL = "http://127.0.0.1:8080"


@dataclass
class Door:
    """The application with a real table of operators behind it, asked without a socket, so that a caller can come from
    anywhere. The clock stands still unless it is turned, and so do paces. What reaches the desk is counted."""

    operators: PostgresOperators
    clock: HandClock = field(default_factory=HandClock)
    is_open: bool = False
    reached: int = 0

    async def ask(
        self, path: str = "me", *, method: str = "GET", token: str | None = None, peer: tuple[str, int] = NEAR,
        url: str = LOCAL, headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        login = {} if token is None else {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.app, client=peer)
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            return await client.request(method, f"/console/api/{path}", headers={**login, **(headers or {})})

    def __post_init__(self) -> None:
        metrics, store = Metrics(), MemoryStore(self.clock)

        async def at_desk(question: Callable[[Desk], Awaitable[Mapping[str, object]]]) -> bytes:
            self.reached += 1
            return b"{}"

        async def readiness() -> Readiness:
            return Readiness()

        async def state(account: str) -> Mapping[str, object]:
            return {}

        accounts = MemoryAccounts(self.clock)

        async def link_device(account: str, name: str) -> LinkedDevice:
            return await accounts.link(account, name=name)

        panel = Panel(
            "me", "api", lambda: figures_of(metrics, at_s=0.0), lambda: store.processes(ttl_s=1.0), self.clock
        )  # fmt: skip
        panel.close()
        console = ConsoleServices(
            operators=self.operators, at_desk=at_desk, panel=panel, clock=self.clock, is_open=self.is_open
        )
        probes = ProbeServices(readiness=readiness, metrics=metrics, clock=self.clock)
        self.app = create_app(
            ApiServices(
                accounts=accounts,
                account_state=state,
                link_device=link_device,
                revoke_device=accounts.revoke,
                probes=probes,
                ws_port=1,
                console=console,
            )
        )


def at_door(dsn: str, story: Callable[[Door, str], Awaitable[None]], *, is_open: bool = False) -> None:
    """Tell a story at the door, with the token of an operator."""

    @asynccontextmanager
    async def operators(clock: HandClock) -> AsyncIterator[PostgresOperators]:
        service = await PostgresOperators.open(dsn, clock)
        try:
            yield service
        finally:
            await service.close()

    async def told() -> None:
        clock = HandClock()
        async with operators(clock) as service:
            token = (await service.create("ben")).token
            await story(Door(service, clock, is_open), token)

    asyncio.run(told())


def test_nothing_is_answered_or_begun_without_an_operators_token(postgres_dsn: str) -> None:
    async def story(door: Door, token: str) -> None:
        listener = await MemoryAccounts(door.clock).create("ada")
        for method, path in ROUTES:
            for wrong in (None, "syncd_" + "a" * 43, token[:-1], token + "x", "x" * 600, listener.account):
                door.clock.ms += int(1_000 / CONSOLE_LOGINS_PER_S)  # or we would be told to wait
                answer = await door.ask(path, method=method, token=wrong)
                assert answer.status_code == 401, (method, path, wrong, answer.text)
                assert answer.headers["www-authenticate"] == "Bearer"
        assert door.reached == 0
        for method, path in ROUTES:
            door.clock.ms += 1_000
            answer = await door.ask(path, method=method, token=token)
            assert answer.status_code in (200, 400), (path, answer.text)  # 400: it lacks what it asks for
        assert door.reached == len(QUESTIONS)

    at_door(postgres_dsn, story)


@pytest.mark.parametrize(
    ("peer", "url", "headers"),
    [
        (("10.0.0.7", 5), LOCAL, {}),
        (("2001:db8::7", 5), LOCAL, {}),
        (("::ffff:10.0.0.7", 5), LOCAL, {}),
        (NEAR, LOCAL, {"x-forwarded-for": "203.0.113.5"}),
        (NEAR, LOCAL, {"forwarded": "for=203.0.113.5"}),
        (NEAR, "http://music.example", {}),
        (NEAR, "http://10.0.0.5:8080", {}),
    ],
    ids=["IPv4", "IPv6", "IPv4 in IPv6", "a proxy", "a newer proxy", "a name", "another address"],
)  # fmt: skip
def test_other_machines_are_refused_even_with_a_token(
    postgres_dsn: str, peer: tuple[str, int], url: str, headers: dict[str, str]
) -> None:
    async def story(door: Door, token: str) -> None:
        for method, path in (*ROUTES, ("GET", "..")):  # /console/api/.. is /console: the page itself
            answer = await door.ask(path, method=method, token=token, peer=peer, url=url, headers=headers)
            assert answer.status_code == 403, (path, answer.text)
        assert "SYNCD_CONSOLE" in answer.text
        assert door.reached == 0

    at_door(postgres_dsn, story)


@pytest.mark.parametrize(
    ("peer", "url"),
    [
        (NEAR, "http://localhost:8080"),
        (("127.8.8.8", 5), LOCAL),
        (("::1", 5), "http://[::1]:8080"),
        (("::ffff:127.0.0.1", 5), LOCAL),
    ],
)
def test_programs_of_this_machine_are_let_in(postgres_dsn: str, peer: tuple[str, int], url: str) -> None:
    async def story(door: Door, token: str) -> None:
        answer = await door.ask(token=token, peer=peer, url=url)
        assert (answer.status_code, answer.json()["operator"]) == (200, "ben")

    at_door(postgres_dsn, story)


def test_where_it_is_open_other_machines_need_the_token_and_nothing_else(postgres_dsn: str) -> None:
    async def story(door: Door, token: str) -> None:
        far = {"peer": ("10.0.0.7", 5), "url": "http://ops.example", "headers": {"x-forwarded-for": "1.2.3.4"}}
        assert (await door.ask(token=token, **far)).status_code == 200  # type: ignore[arg-type]
        assert (await door.ask(**far)).status_code == 401  # type: ignore[arg-type]

    at_door(postgres_dsn, story, is_open=True)


def test_pages_of_other_sites_get_no_answer(postgres_dsn: str) -> None:
    async def story(door: Door, token: str) -> None:
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
            answer = await door.ask(token=token, headers={"sec-fetch-site": site})
            assert answer.status_code == status, site
        answer = await door.ask(token=token)
        assert not {"access-control-allow-origin", "set-cookie"} & set(answer.headers)
        assert (await door.ask("verify", method="OPTIONS", token=token)).status_code == 405
        assert (await door.ask("verify", token=token)).status_code == 405, "what does something is no GET"
        assert (await door.ask("verify", method="POST", headers={"cookie": f"token={token}"})).status_code == 401

    at_door(postgres_dsn, story)


def test_strangers_and_operators_are_slowed_down_each_for_themselves(postgres_dsn: str) -> None:
    async def story(door: Door, token: str) -> None:
        for _ in range(CONSOLE_LOGINS):
            assert (await door.ask(token="wrong")).status_code == 401
        slowed = await door.ask(token="wrong")
        assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "5")
        elsewhere = ("127.0.0.2", 5)
        for _ in range(CONSOLE_REQUESTS):
            assert (await door.ask(token=token, peer=elsewhere)).status_code == 200
        assert (await door.ask(token=token, peer=elsewhere)).status_code == 429
        door.clock.ms += int(1_000 / CONSOLE_LOGINS_PER_S)
        assert (await door.ask(token=token)).status_code == 200, "after a while both may come again"

    at_door(postgres_dsn, story)


def test_an_operator_who_was_revoked_is_out_and_nobody_gets_the_name_again(postgres_dsn: str) -> None:
    async def story(door: Door, token: str) -> None:
        assert (await door.ask(token=token)).status_code == 200
        first = await door.operators.revoke("ben")
        door.clock.ms += 5_000
        assert await door.operators.revoke("ben") == first, "the first revocation stands"
        answer = await door.ask(token=token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "login_revoked")
        with pytest.raises(LoginRevoked):
            await door.operators.login(token)
        with pytest.raises(Conflict, match="ben"):
            await door.operators.create("ben")
        for unusable in ("", "Ben", "a b", "x" * 33, "-a", "é"):
            with pytest.raises(Refused, match="1 to 32"):
                await door.operators.create(unusable)

    at_door(postgres_dsn, story)


@on_live
async def test_an_operators_token_opens_no_door_of_listeners_nor_the_other_way_round(live: Live) -> None:
    (phone,) = await live.account("phone")
    made = await live.service.deployment.operators.create("only-an-operator")
    async with httpx.AsyncClient(base_url=live.service.http_url, trust_env=False, timeout=PATIENCE_S) as client:

        async def status(path: str, token: str) -> int:
            return (await client.get(path, headers={"authorization": f"Bearer {token}"})).status_code

        assert await status("/console/api/me", made.token) == 200
        assert await status("/v1/state", phone.token) == 200
        assert await status("/console/api/me", phone.token) == 401
        assert await status("/v1/state", made.token) == 401
        listeners = {"headers": {"authorization": f"Bearer {made.token}"}}
        assert (await client.post("/v1/devices?name=x", **listeners)).status_code == 401  # type: ignore[arg-type]
        gone = await client.delete(f"/v1/devices/{phone.device}", **listeners)  # type: ignore[arg-type]
        assert gone.status_code == 401
        assert (await client.get(f"/console/api/me?token={made.token}")).status_code == 400
    async with RawDevice(live.service.ws_url, made.token) as device:
        hello = {"type": "hello", "token": made.token, "nonce": device.nonce, "client": "raw", "now_ms": 0}
        await device.say({**hello, "streams": [{"stream": "a:me"}]})
        assert (await device.closed())[0] == LOGIN_EXPIRED.code


@on_live
async def test_a_question_says_what_is_wrong_with_it(live: Live) -> None:
    async with operating(live) as console:
        assert "`account`" in await console.refused("state", status=400)
        assert "nobody-here" in await console.refused("account", account="nobody-here", status=404)
        assert "501" in await console.refused("accounts", limit=501, status=400)
        assert "'ten'" in await console.refused("accounts", limit="ten", status=400)
        assert "allowed: account, at" in await console.refused("state", account="a", when="now", status=400)
        assert "at most 400" in await console.refused("accounts", q="x" * 401, status=400)
        assert "dry_run is 'maybe'" in await console.refused("rebuild", method="POST", dry_run="maybe", status=400)
        assert "partition:offset" in await console.refused("dead-letter", position="first", status=400)
        assert "no dead letter" in await console.refused("dead-letter", position="0:99999999", status=404)
        assert "no job" in await console.refused("job/cancel", method="POST", job="nope", status=404)
        (phone,) = await live.account("phone")
        assert "is no time" in await console.refused("state", account=phone.account, at="lunch", status=400)
        assert "no stream" in await console.refused("timeline", account=phone.account, stream="a:other", status=404)
        assert "no place" in await console.refused("timeline", account=phone.account, before="1", status=400)


def test_where_it_is_off_there_is_no_console_and_no_figures(postgres_dsn: str) -> None:
    async def story() -> None:
        config = Config(database_url=postgres_dsn, port=0, ws_port=0, console="off")
        async with (
            running_service(config) as service,
            httpx.AsyncClient(base_url=service.http_url, timeout=PATIENCE_S) as client,
        ):
            for path in ("/console", "/console/api/me"):
                assert (await client.get(path)).status_code == 404
            assert await service.deployment.store.processes(ttl_s=HTTP_REQUEST_TIMEOUT_S) == []

    asyncio.run(story())
