"""What is refused before any route sees it, and what every answer carries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from api_under_test import Api

from syncd.api import guard

PATHS = [
    "/",
    "/docs",
    "/static/player/main.js",
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/connect",
    "/v1/state",
    "/nowhere",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_forbids_what_it_does_not_need(api: Api, path: str) -> None:
    headers = api.get(path).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"} <= set(policy)
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_the_page_may_load_its_own_files_and_open_its_own_socket_only(api: Api) -> None:
    policy = api.get("/").headers["content-security-policy"].split("; ")
    assert set(policy) == {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self' ws://music.local:8081/v1/sync",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'none'",
    }


@pytest.mark.parametrize("path", ["/", "/v1/state", "/v1/connect", "/nowhere"])
@pytest.mark.parametrize("query", ["token=syncd_abc", "a=b&token", "access_token=x"])
def test_a_token_in_the_address_is_refused_without_repeating_it(api: Api, path: str, query: str) -> None:
    answer = api.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert "Authorization: Bearer" in answer.text
    assert "syncd_abc" not in answer.text


def test_other_queries_are_let_through(api: Api) -> None:
    assert api.get("/healthz?tokens=1").status_code == 200


def test_a_body_is_refused_and_the_connection_closed(api: Api) -> None:
    answer = api.get("/v1/state", method="POST", content=b"x" * 10)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert answer.json()["error"] == {
        "code": "limit",
        "message": "no request here has a body; this one announces one (10 bytes)",
    }


def test_a_body_in_chunks_is_refused_too(api: Api) -> None:
    answer = api.get("/healthz", {"transfer-encoding": "chunked"})
    assert answer.status_code == 413
    assert "(chunked)" in answer.json()["error"]["message"]


def test_a_bug_shows_no_trace_of_itself(api: Api) -> None:
    async def broken(account: str) -> Mapping[str, object]:
        raise RuntimeError("the secret of ada")

    phone = api.linked()
    answer = api.having(account_state=broken).get("/v1/state", {"authorization": f"Bearer {phone.token}"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "bug"
    assert "ada" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_answer_that_takes_too_long_is_a_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(account: str) -> Mapping[str, object]:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    monkeypatch.setattr(guard, "HTTP_REQUEST_TIMEOUT_S", 0.01)
    phone = api.linked()
    answer = api.having(account_state=endless).get("/v1/state", {"authorization": f"Bearer {phone.token}"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_answers_are_counted_by_status(api: Api) -> None:
    for path in ("/healthz", "/healthz", "/v1/nothing"):
        api.get(path)
    assert api.services.probes.metrics.http_responses.values == {"200": 2, "404": 1, "500": 0}
    assert sum(api.services.probes.metrics.http_seconds.counts) == 3


def test_a_page_that_says_no_may_load_its_styles(api: Api) -> None:
    assert "style-src 'self'" in api.get("/nowhere").headers["content-security-policy"].split("; ")
