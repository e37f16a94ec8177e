"""The API role by itself, on a real Postgres: state at arrival, and what it says when the database is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from syncd.config import Config
from syncd.testing.patience import PATIENCE_S
from syncd.testing.postgres import drop_database
from syncd.testing.service import Service, running_service

API = frozenset({"api"})


@asynccontextmanager
async def api_on(dsn: str) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    config = Config(database_url=dsn, port=0, ws_port=0)
    async with (
        running_service(config, API) as service,
        httpx.AsyncClient(base_url=service.http_url, timeout=PATIENCE_S) as client,
    ):
        yield service, client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_state_is_current_although_nobody_has_folded_the_log(postgres_dsn: str) -> None:
    async def test() -> None:
        async with api_on(postgres_dsn) as (service, client):
            phone, laptop = await service.account("ada", "phone", "laptop")
            (stranger,) = await service.account("bob", "radio")

            ready = (await client.get("/readyz")).json()
            assert ready["ready"] is True
            assert ready["lag_records"] == 3, "three devices were announced, and no projector runs"

            state = (await client.get("/v1/state", headers=bearer(phone.token))).json()
            assert {device["name"] for device in state["devices"]} == {"phone", "laptop"}
            assert state == (await client.get("/v1/state", headers=bearer(laptop.token))).json()
            other = (await client.get("/v1/state", headers=bearer(stranger.token))).json()
            assert {device["name"] for device in other["devices"]} == {"radio"}

            await service.deployment.accounts.revoke(phone.device)
            refused = await client.get("/v1/state", headers=bearer(phone.token))
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "login_revoked")

    asyncio.run(test())


def test_a_database_that_is_gone_is_told_and_nothing_worse(postgres_admin_dsn: str, postgres_dsn: str) -> None:
    async def test() -> None:
        async with api_on(postgres_dsn) as (service, client):
            (phone,) = await service.account("ada", "phone")
            await drop_database(postgres_admin_dsn, postgres_dsn)

            state = await client.get("/v1/state", headers=bearer(phone.token))
            assert state.status_code == 503
            assert state.headers["retry-after"] == "1"
            assert state.json()["error"]["code"] == "store_unavailable"

            ready = await client.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["ready"] is False
            assert ready.json()["reasons"][0].startswith("database: ")
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/")).status_code == 200

    asyncio.run(test())


def test_connect_tells_the_gateways_port(postgres_dsn: str) -> None:
    async def test() -> None:
        config = Config(database_url=postgres_dsn, port=0, ws_port=0)
        async with (
            running_service(config) as service,
            httpx.AsyncClient(base_url=service.http_url, timeout=PATIENCE_S) as client,
        ):
            assert (await client.get("/v1/connect")).json()["url"] == service.ws_url

    asyncio.run(test())
