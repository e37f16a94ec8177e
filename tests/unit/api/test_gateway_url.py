"""The Host header is client text: only what can be a host gets into a URL."""

from __future__ import annotations

import pytest
from api_under_test import Api

from syncd.api.gateway_url import BadHost, gateway_urls, hostname
from syncd.api.services import GatewayAddress


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:8080", "localhost"),
        ("192.168.1.5:8080", "192.168.1.5"),
        ("Music.Local", "music.local"),
        ("my_box:1", "my_box"),
        ("[::1]:8080", "[::1]"),
        ("[fe80::1]", "[fe80::1]"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_host_keeps_its_name_and_loses_its_port(header: str, host: str) -> None:
    assert hostname(header) == host
    assert gateway_urls(header, [], ws_port=9, public_ws_url=None) == [f"ws://{host}:9/v1/sync"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ":8080",
        "host:",
        "host:port",
        "host:123456",
        "host/path",
        "user@host",
        "a b",
        "host; script-src *",
        "host\r\nx: y",
        "a..b",
        "-a",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "[::1",
        "[nonsense]",
        "[fe80::1%eth0]",
        "[::1]x",
        "hôte",
    ],
)
def test_what_is_no_host_is_refused_with_the_value(header: str) -> None:
    with pytest.raises(BadHost, match="names no host"):
        hostname(header)


def test_gateways_are_told_in_their_order_each_address_once() -> None:
    gateways = [GatewayAddress("wss://one.example/v1/sync", 1), GatewayAddress(None, 2), GatewayAddress(None, 3)]
    assert gateway_urls("h:8080", gateways, ws_port=9, public_ws_url=None) == [
        "wss://one.example/v1/sync", "ws://h:2/v1/sync", "ws://h:3/v1/sync",
    ]  # fmt: skip
    assert gateway_urls("h:8080", gateways, ws_port=9, public_ws_url="wss://all.example/v1/sync") == [
        "wss://one.example/v1/sync", "wss://all.example/v1/sync",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/connect", "/"])
def test_a_request_for_no_host_is_a_400(api: Api, path: str) -> None:
    answer = api.get(path, {"host": "x; script-src *"})
    assert answer.status_code == 400
    assert "script-src *" not in answer.headers["content-security-policy"]


def test_a_bad_host_is_refused_behind_a_proxy_too(api: Api) -> None:
    api.having(public_ws_url="wss://sync.example.org/v1/sync")
    assert api.get("/v1/connect", {"host": "a b"}).status_code == 400
