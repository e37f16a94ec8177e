"""Pages of other hosts: those that are named may ask `/v1/...`, others learn nothing."""

from __future__ import annotations

import httpx
import pytest
from api_under_test import Api

PLAYER = "https://player.example"


def preflight(api: Api, path: str, *, origin: str = PLAYER, method: str = "GET") -> httpx.Response:
    asks = {
        "origin": origin, "access-control-request-method": method, "access-control-request-headers": "authorization"
    }  # fmt: skip
    return api.get(path, asks, method="OPTIONS")


@pytest.mark.parametrize(
    ("path", "method"), [("/v1/connect", "GET"), ("/v1/devices", "POST"), ("/v1/devices/d1", "DELETE")]
)
def test_a_named_page_may_ask_with_a_token(api: Api, path: str, method: str) -> None:
    said = preflight(api.having(origins=(PLAYER,)), path, method=method)
    assert said.status_code == 200
    assert said.headers["access-control-allow-origin"] == PLAYER
    assert method in said.headers["access-control-allow-methods"]
    assert "authorization" in said.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in said.headers


def test_it_reads_answers_and_errors(api: Api) -> None:
    linked = api.having(origins=(PLAYER,)).linked()
    good = api.get("/v1/connect", {"origin": PLAYER, "authorization": f"Bearer {linked.token}"})
    bad = api.get("/v1/state", {"origin": PLAYER, "authorization": "Bearer of somebody else"})
    assert (good.status_code, bad.status_code) == (200, 401)
    for answer in (good, bad):
        assert answer.headers["access-control-allow-origin"] == PLAYER
        assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize("origins", [(), (PLAYER,)])
def test_other_pages_read_nothing(api: Api, origins: tuple[str, ...]) -> None:
    others = api.having(origins=origins)
    for origin in ("https://elsewhere.example", "http://player.example", "https://player.example:8443", "null"):
        assert "access-control-allow-origin" not in preflight(others, "/v1/connect", origin=origin).headers
        assert "access-control-allow-origin" not in others.get("/v1/connect", {"origin": origin}).headers


def test_of_anything_but_listeners_questions_a_named_page_hears_nothing(api: Api) -> None:
    for path in ("/", "/console", "/console/api/overview", "/metrics", "/readyz", "/v1"):
        for answer in (preflight(api.having(origins=(PLAYER,)), path), api.get(path, {"origin": PLAYER})):
            assert "access-control-allow-origin" not in answer.headers
