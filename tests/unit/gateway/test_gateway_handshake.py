"""Who may open a socket."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from syncd.gateway.handshake import refusal

ORIGINS = frozenset({"player.example", "https://exact.example:8443"})


def ask(path: str = "/v1/sync", *headers: tuple[str, str]) -> tuple[HTTPStatus, str] | None:
    return refusal(Request(path, Headers(headers)), origins=ORIGINS)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Host", "syncd.example"),),
        (("Host", "syncd.example:8081"), ("Origin", "https://syncd.example")),
        (("Host", "syncd.example:8081"), ("Origin", "http://SYNCD.example:8080")),
        (("Host", "[::1]:8081"), ("Origin", "http://[::1]:8080")),
        (("Host", "127.0.0.1:8081"), ("Origin", "https://player.example")),
        (("Host", "127.0.0.1:8081"), ("Origin", "https://player.example:9999")),
        (("Host", "127.0.0.1:8081"), ("Origin", "https://exact.example:8443")),
    ],
)
def test_these_are_let_in(headers: tuple[tuple[str, str], ...]) -> None:
    assert ask("/v1/sync", *headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        (("Origin", "https://syncd.example"),),
        (("Host", "syncd.example"), ("Origin", "https://syncd.example.evil.example")),
        (("Host", "syncd.example"), ("Origin", "https://evil.example/syncd.example")),
        (("Host", "syncd.example"), ("Origin", "https://syncd.example@evil.example")),
        (("Host", "syncd.example"), ("Origin", "https://evil.example#player.example")),
        (("Host", "syncd.example"), ("Origin", "null")),
        (("Host", "syncd.example"), ("Origin", "")),
        (("Host", "syncd.example"), ("Origin", "https://exact.example:8444")),
        (("Host", "syncd.example"), ("Origin", "http://exact.example:8443")),
        (("Host", "syncd.example"), ("Origin", "https://syncd.example"), ("Origin", "https://evil.example")),
        (("Host", "syncd.example"), ("Host", "evil.example"), ("Origin", "https://evil.example")),
        (("Host", "syncd.example"), ("Origin", "http://[broken")),
    ],
)
def test_pages_of_others_are_not(headers: tuple[tuple[str, str], ...]) -> None:
    refused = ask("/v1/sync", *headers)
    assert refused is not None
    assert refused[0] is HTTPStatus.FORBIDDEN
    assert "SYNCD_ORIGINS" in refused[1]


@pytest.mark.parametrize("name", ["token", "access_token", "Authorization", "KEY", "auth"])
@pytest.mark.parametrize("form", ["{}=abc", "a=1&{}=abc", "{}", "{}="])
def test_a_token_in_the_url_is_refused(name: str, form: str) -> None:
    refused = ask("/v1/sync?" + form.format(name))
    assert refused is not None
    assert refused[0] is HTTPStatus.BAD_REQUEST
    assert "abc" not in refused[1]


@pytest.mark.parametrize(
    "path",
    ["", "/", "/v1/sync/", "/v2/sync", "/V1/SYNC", "//v1/sync", "//[/v1/sync", "http://x/v1/sync", "/v1/sync%00"],
)
def test_other_paths_are_not_here(path: str) -> None:
    refused = ask(path)
    assert refused is not None
    assert refused[0] is HTTPStatus.NOT_FOUND
    assert "it is at /v1/sync" in refused[1]


def test_what_is_shown_of_a_request_is_cut_and_escaped() -> None:
    for refused in (ask("/" + "x" * 10_000 + "\udcff"), ask("/v1/sync", ("Origin", "http://é" * 1_000))):
        assert refused is not None
        assert len(refused[1]) < 400
        assert refused[1].strip().isprintable()
        refused[1].encode()
