"""What each route answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from api_under_test import Api

from syncd.accounts import Login
from syncd.api.services import GatewayAddress, Readiness
from syncd.errors import EpochChanged, NotFound, StoreUnavailable
from syncd.limits import READY_LAG_RECORDS_MAX


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_process_that_runs_is_alive_whatever_else_fails(api: Api) -> None:
    api.readiness = Readiness(database_error="no answer", migrations_pending=None, lag_records=None)
    answer = api.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["alive"] is True


def test_ready_says_so_with_its_facts(api: Api) -> None:
    api.readiness = Readiness(lag_records=READY_LAG_RECORDS_MAX)
    answer = api.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "reasons": [],
        "draining": False,
        "database": "ok",
        "log": "ok",
        "migrations_pending": 0,
        "lag_records": READY_LAG_RECORDS_MAX,
    }


@pytest.mark.parametrize(
    ("readiness", "reason"),
    [
        (Readiness(draining=True), "draining"),
        (Readiness(database_error="refused", migrations_pending=None, lag_records=None), "database: refused"),
        (Readiness(log_error="no broker answers", lag_records=None), "log: no broker answers"),
        (Readiness(migrations_pending=2), "migrations: 2 pending"),
        (Readiness(lag_records=READY_LAG_RECORDS_MAX + 1), f"lag: {READY_LAG_RECORDS_MAX + 1} records"),
    ],
)
def test_not_ready_tells_why(api: Api, readiness: Readiness, reason: str) -> None:
    api.readiness = readiness
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert len(answer.json()["reasons"]) == 1
    assert answer.json()["reasons"][0].startswith(reason)


def test_connect_names_the_gateway_on_the_host_that_was_asked(api: Api) -> None:
    answer = api.get("/v1/connect")
    assert answer.json() == {
        "url": "ws://music.local:8081/v1/sync",
        "subprotocols": ["syncd.v1.json", "syncd.v1.msgpack"],
    }


def test_connect_names_the_public_address_where_there_is_one(api: Api) -> None:
    api.having(public_ws_url="wss://sync.example.org/v1/sync")
    assert api.get("/v1/connect").json()["url"] == "wss://sync.example.org/v1/sync"


def two_gateways(api: Api, owner_of: str) -> Api:
    """`near` is best for one account, `far` for all others."""

    async def gateways(account: str | None) -> Sequence[GatewayAddress]:
        near, far = GatewayAddress("wss://near.example/v1/sync", 1), GatewayAddress("wss://far.example/v1/sync", 1)
        return [near, far] if account == owner_of else [far, near]

    return api.having(gateways=gateways)


def test_connect_names_the_best_gateway_for_the_account_of_the_token(api: Api) -> None:
    phone = api.linked()
    two_gateways(api, phone.account)
    assert api.get("/v1/connect", bearer(phone.token)).json()["url"] == "wss://near.example/v1/sync"
    assert api.get("/v1/connect").json()["url"] == "wss://far.example/v1/sync"


@pytest.mark.parametrize("token", ["syncd_nobody", "x" * 513, ""])
def test_connect_leaves_it_to_the_gateway_who_may_come_in(api: Api, token: str) -> None:
    answer = two_gateways(api, "ada").get("/v1/connect", bearer(token))
    assert (answer.status_code, answer.json()["url"]) == (200, "wss://far.example/v1/sync")


def test_connect_passes_over_what_the_caller_could_not_reach(api: Api) -> None:
    phone = api.linked()
    two_gateways(api, phone.account)
    near, far = "wss://near.example/v1/sync", "wss://far.example/v1/sync"
    for avoid, expected in (([near], far), ([far], near), ([near, far], near), (["other"], near)):
        query = urlencode([("avoid", url) for url in avoid])
        assert api.get(f"/v1/connect?{query}", bearer(phone.token)).json()["url"] == expected


def test_connect_answers_without_the_account_while_the_database_is_away(api: Api) -> None:
    class Away:
        async def login(self, token: str) -> Login:
            raise StoreUnavailable("no answer")

    two_gateways(api, "ada").having(accounts=Away())
    assert api.get("/v1/connect", bearer("syncd_any")).json()["url"] == "wss://far.example/v1/sync"


def test_the_page_may_reach_every_gateway(api: Api) -> None:
    policy = two_gateways(api, "ada").get("/").headers["content-security-policy"]
    assert "connect-src 'self' wss://far.example/v1/sync wss://near.example/v1/sync" in policy


def test_state_is_the_account_of_the_token(api: Api) -> None:
    phone = api.linked()
    answer = api.get("/v1/state", bearer(phone.token))
    assert answer.status_code == 200
    assert answer.json() == {"account": phone.account, "queue": []}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic abc"}, {"authorization": "Bearer "}])
def test_state_without_a_token_says_how_to_send_one(api: Api, headers: dict[str, str]) -> None:
    answer = api.get("/v1/state", headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert "Authorization: Bearer" in answer.json()["error"]["message"]


@pytest.mark.parametrize("token", ["syncd_nobody", "x" * 513])
def test_state_with_an_unknown_token_is_refused(api: Api, token: str) -> None:
    answer = api.get("/v1/state", bearer(token))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "login_expired"
    assert token not in answer.text


def test_state_with_a_revoked_token_says_that_it_was_revoked(api: Api) -> None:
    phone = api.linked()
    asyncio.run(api.services.accounts.revoke(phone.device))
    answer = api.get("/v1/state", bearer(phone.token))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "login_revoked"


def test_a_store_that_does_not_answer_is_a_503_that_says_when_to_come_back(api: Api) -> None:
    async def unavailable(account: str) -> Mapping[str, object]:
        raise StoreUnavailable("the store did not answer within 15 s")

    answer = api.having(account_state=unavailable).get("/v1/state", bearer(api.linked().token))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {"error": {"code": "store_unavailable", "message": "the store did not answer within 15 s"}}


def test_another_life_of_the_log_is_a_503_and_no_fault_of_ours(api: Api) -> None:
    async def changed(account: str) -> Mapping[str, object]:
        raise EpochChanged("the log's epoch is not a any more: open it anew")

    answer = api.having(account_state=changed).get("/v1/state", bearer(api.linked().token))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "epoch_changed")


def test_an_error_of_another_family_keeps_its_code(api: Api) -> None:
    async def missing(account: str) -> Mapping[str, object]:
        raise NotFound("no such account")

    answer = api.having(account_state=missing).get("/v1/state", bearer(api.linked().token))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_metrics_are_prometheus_text(api: Api) -> None:
    api.services.probes.metrics.events_admitted += 3
    answer = api.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "syncd_events_admitted_total 3.0" in answer.text.splitlines()


def test_metrics_can_be_turned_off(api: Api) -> None:
    silent = replace(api.services.probes, serves_metrics=False)
    assert api.having(probes=silent).get("/metrics").status_code == 404


def test_an_unknown_path_is_json_for_programs(api: Api) -> None:
    answer = api.get("/v1/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "not_found", "message": "nothing is served at /v1/nothing"}}


def test_an_unknown_path_is_a_page_for_people_and_shows_no_markup_of_theirs(api: Api) -> None:
    answer = api.get("/%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    "path", ["/v1/", "/v1/state/", "/docs/", "/static/", "/static/../index.html", "/static/none.js"]
)
def test_a_path_is_served_as_it_is_written_or_not_at_all(api: Api, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_changes_over_http(api: Api, method: str) -> None:
    answer = api.get("/v1/state", method=method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["error"]["code"] == "method"


def test_head_is_served_like_get(api: Api) -> None:
    assert api.get("/", method="HEAD").status_code == 200
