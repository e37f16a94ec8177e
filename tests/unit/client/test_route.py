"""Where a device connects next."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from syncd.client.route import TRIED_MAX, Route
from syncd.errors import ConfigError, Unavailable

HOME = "wss://home.example/v1/sync"
SERVER = "https://home.example"


class Server:
    """What `/v1/connect` would say."""

    def __init__(self, *gateways: str) -> None:
        self.gateways = gateways
        self.away = False
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, address: str, token: str, *, avoid: Collection[str]) -> str:
        assert (address, token) == (SERVER, "token")
        self.asked.append(tuple(avoid))
        if self.away:
            raise Unavailable("nobody listens")
        return next((url for url in self.gateways if url not in avoid), self.gateways[0])


def following(route: Route, count: int) -> list[str]:
    async def go() -> list[str]:
        return [await route.next("token") for _ in range(count)]

    return asyncio.run(go())


def test_a_websocket_is_where_it_is() -> None:
    assert following(Route(HOME), 3) == [HOME] * 3


@pytest.mark.parametrize("address", ["home.example:8080", "ftp://home.example", "", "/v1/sync"])
def test_an_address_of_another_kind_is_refused_with_what_is_allowed(address: str) -> None:
    with pytest.raises(ConfigError, match=f"{address} is not an address like ws://host:port/v1/sync or http://"):
        Route(address)


def test_advice_counts_for_one_attempt() -> None:
    """The gateway that it names may go as well; the address that we were given stays."""
    route = Route(HOME)
    route.advise("wss://next.example/v1/sync")
    assert following(route, 2) == ["wss://next.example/v1/sync", HOME]
    route.advise(None)
    assert following(route, 1) == [HOME]


def test_a_server_is_asked_before_every_connection() -> None:
    server = Server("wss://a/v1/sync")
    route = Route(SERVER, server)
    for _ in range(3):
        assert following(route, 1) == ["wss://a/v1/sync"]
        route.worked()
        server.gateways = ("wss://a/v1/sync", "wss://b/v1/sync")
    assert server.asked == [()] * 3


def test_gateways_without_a_welcome_are_passed_over_until_there_is_one() -> None:
    server = Server("wss://a/v1/sync", "wss://b/v1/sync", "wss://c/v1/sync")
    route = Route(SERVER, server)
    assert following(route, 3) == ["wss://a/v1/sync", "wss://b/v1/sync", "wss://c/v1/sync"]
    route.worked()
    assert following(route, 1) == ["wss://a/v1/sync"]
    assert server.asked[2:] == [("wss://a/v1/sync", "wss://b/v1/sync"), ()]


def test_so_many_are_passed_over_and_no_more() -> None:
    many = [f"wss://{n}/v1/sync" for n in range(2 * TRIED_MAX)]
    server = Server(*many)
    following(Route(SERVER, server), len(many))
    assert max(map(len, server.asked)) == TRIED_MAX


def test_while_the_server_is_away_the_gateway_that_worked_last_is_tried_once() -> None:
    server = Server("wss://a/v1/sync")
    route = Route(SERVER, server)
    following(route, 1)
    route.worked()
    server.away = True
    assert following(route, 1) == ["wss://a/v1/sync"]
    with pytest.raises(Unavailable, match="nobody listens"):
        following(route, 1)


def test_a_server_that_was_never_heard_of_knows_no_gateway() -> None:
    server = Server("wss://a/v1/sync")
    server.away = True
    with pytest.raises(Unavailable):
        following(Route(SERVER, server), 1)
