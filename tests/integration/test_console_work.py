"""What operators look at and do in the console, on a live service: the answers that its page shows."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest
from console_client import Console, operating
from live_service import NAMES, Live, fresh_server, on_live
from raw_device import RawDevice

from syncd.accounts import LinkedDevice
from syncd.config import Config
from syncd.log.record import Record
from syncd.model import upcast
from syncd.model.stamp import pack
from syncd.operations.console import jobs as console_jobs
from syncd.postgres.connection import connect, hang_up
from syncd.projector import rebuild as rebuilding
from syncd.testing.beside import beside
from syncd.testing.patience import eventually, until
from syncd.testing.poison import WRITER, newer
from syncd.testing.service import running_service


async def by_hand(live: Live, statement: str, *values: object) -> None:
    """SQL behind everybody's back."""
    connection = await connect(live.dsn)
    try:
        await connection.execute(statement, *values)
    finally:
        await hang_up(connection)


async def arrived(live: Live, *linked: LinkedDevice) -> list[RawDevice]:
    devices = [await live.device(each).connect() for each in linked]
    for device in devices:
        await device.arrive("a:me")
    return devices


async def now_ms_of(console: Console, account: str) -> int:
    """The time at which the newest step was admitted."""
    return int((await console.get("timeline", account=account))["steps"][-1]["admitted_ms"])


async def later(live: Live, after_ms: int) -> None:
    """Let the server's clock pass a moment: events of one ms cannot be told apart by time."""
    clock = live.service.deployment.clock

    async def passed() -> bool:
        return clock.now_ms() > after_ms

    await eventually(passed)


@on_live
async def test_accounts_are_found_by_a_part_of_their_name_page_by_page(live: Live) -> None:
    stem = f"needle{next(NAMES)}"
    for name in ("c", "a", "b"):
        await live.service.deployment.accounts.create(f"{stem} {name}")
    async with operating(live) as console:
        first = await console.get("accounts", q=stem.upper(), limit=2)
        assert [each["name"] for each in first["accounts"]] == [f"{stem} a", f"{stem} b"]
        rest = await console.get("accounts", q=stem, after=first["after"], limit=2)
        assert [each["name"] for each in rest["accounts"]] == [f"{stem} c"]
        assert rest["after"] is None
        by_id = await console.get("accounts", q=first["accounts"][0]["account"])
        assert by_id["accounts"] == first["accounts"][:1]


@on_live
async def test_an_account_is_shown_with_its_devices_and_when_they_last_wrote(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    (device,) = await arrived(live, phone)
    async with device, operating(live) as console:
        at_ms = live.service.deployment.clock.now_ms()
        await device.emit_acked("settings.changed", {"theme": "dark"}, t=pack(at_ms))
        await live.projected()
        shown = await console.get("account", account=phone.account)
        assert [stream["stream"] for stream in shown["streams"]] == [f"a:{phone.account}"]
        devices = {each["name"]: each for each in shown["devices"]}
        assert devices["phone"]["last_ms"] == at_ms
        assert devices["laptop"]["last_ms"] is None, "it has never said anything"
        assert devices["laptop"]["device"] == laptop.device


@on_live
async def test_a_timeline_tells_which_write_lost_and_is_read_backwards_page_by_page(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    one, other = await arrived(live, phone, laptop)
    async with one, other, operating(live) as console:
        at_ms = live.service.deployment.clock.now_ms()
        await other.emit_acked("settings.changed", {"theme": "light"}, t=pack(at_ms))
        # Made a minute earlier, in a tunnel.
        await one.emit_acked("settings.changed", {"theme": "dark"}, t=pack(at_ms - 60_000))
        shown = await console.get("timeline", account=phone.account, key="settings/*")
        light, dark = shown["steps"]
        assert (light["device_name"], light["writes"][0]["outcome"]) == ("laptop", "stands")
        lost = dark["writes"][0]
        assert (dark["device_name"], lost["outcome"], lost["value"]) == ("phone", "lost", '"dark"')
        assert "earlier" in lost["because"]
        assert lost["by"]["device_name"] == "laptop"
        assert [s["event"] for s in (await console.get("timeline", account=phone.account, lost=1))["steps"]] == [
            dark["event"]
        ]

        whole = await console.get("timeline", account=phone.account)
        pages: list[dict[str, Any]] = []
        older: str | None = None
        while True:
            values = {} if older is None else {"before": older}
            page = await console.get("timeline", account=phone.account, limit=1, **values)
            pages[:0] = page["steps"]
            older = page["older"]
            if older is None:
                break
        assert [step["event"] for step in pages] == [step["event"] for step in whole["steps"]]
        assert pages[-1]["writes"] == whole["steps"][-1]["writes"]


@on_live
async def test_time_travel_shows_the_state_of_any_moment_and_what_changed_since(live: Live) -> None:
    (phone,) = await live.account("phone")
    (device,) = await arrived(live, phone)
    async with device, operating(live) as console:
        await device.emit_acked("settings.changed", {"theme": "dark"})
        first_ms = await now_ms_of(console, phone.account)
        await later(live, first_ms)
        items = [{"track": "t1"}, {"track": "t2"}]
        await device.emit_acked("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": items})
        await device.emit_acked("settings.changed", {"theme": "light"})
        then = await console.get("state", account=phone.account, at=first_ms)
        assert (then["settings"], then["queue"]) == ({"theme": "dark"}, [])
        now = await console.get("state", account=phone.account)
        assert (now["settings"], [entry["track"] for entry in now["queue"]]) == ({"theme": "light"}, ["t1", "t2"])
        found = await console.get("difference", account=phone.account, since=first_ms)
        changes = {"/".join(change["path"][:1]): change for change in found["changes"]}
        assert found["count"] == 3
        assert (changes["settings"]["was"], changes["settings"]["now"]) == ("dark", "light")
        assert changes["queue"]["what"] == "added"
        nothing = await console.get("difference", account=phone.account, since=first_ms, until=first_ms)
        assert nothing == {"changes": [], "count": 0}


@on_live
async def test_a_cell_changed_by_hand_is_found_and_mended_with_progress_and_it_is_written_down_by_whom(
    live: Live,
) -> None:
    (phone,) = await live.account("phone")
    (device,) = await arrived(live, phone)
    async with device, operating(live) as console:
        await device.emit_acked("settings.changed", {"theme": "dark"})
        await live.projected()
        job = await console.post("verify", account=phone.account)
        assert (await console.ended(job["job"]))["result"]["agrees"] is True
        stream = f"a:{phone.account}"
        await by_hand(live, "update cells set value = '\"x\"' where stream = $1 and key = 'settings/theme'", stream)

        found = await console.ended((await console.post("verify", account=phone.account))["job"])
        (differs,) = found["result"]["differences"]
        assert (differs["stream"], differs["keys"]) == (stream, {"settings/theme": "different"})
        assert found["done"] == found["of"] > 0
        everything = await console.ended((await console.post("verify"))["job"])
        assert [each["stream"] for each in everything["result"]["differences"]] == [stream]

        dry = await console.ended((await console.post("rebuild", account=phone.account, dry_run=1))["job"])
        assert "nothing was changed" in dry["result"]["says"]
        mended = await console.ended((await console.post("rebuild", account=phone.account))["job"])
        assert "1 cells of 1 streams were swapped" in mended["result"]["says"]
        assert mended["of"] > 0
        assert mended["done"] == mended["of"]
        again = await console.ended((await console.post("verify", account=phone.account))["job"])
        assert again["result"]["agrees"] is True
        assert await console.noted(f"rebuild account {phone.account}") == ["begun", mended["result"]["says"]]


@on_live
async def test_a_job_that_runs_can_be_cancelled_and_runs_once(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild in very small steps, held at its first: there is time to press the button."""
    (phone,) = await live.account("phone")
    (device,) = await arrived(live, phone)
    monkeypatch.setattr(rebuilding, "STAGE_RECORDS", 1)
    monkeypatch.setattr(console_jobs, "TOLD_EVERY_S", 0.0)
    async with device, operating(live) as console:
        for n in range(30):
            await device.emit_acked("settings.changed", {"n": n})
        await live.projected()
        holder = await connect(live.dsn)
        try:
            # Somebody holds the checkpoint, so the swap has to wait.
            async with holder.transaction():
                await holder.execute("select 1 from checkpoints for update")
                job = await console.post("rebuild", account=phone.account)
                said = await console.refused("rebuild", method="POST", status=409)
                assert console.name in said
                async with aclosing(console.events()) as events:
                    async for name, told in events:
                        mine = [each for each in told if each["job"] == job["job"]] if name == "jobs" else []
                        if mine and mine[0]["done"]:
                            assert (mine[0]["state"], mine[0]["unit"]) == ("running", "records")
                            break
                cancelled = await console.post("job/cancel", job=job["job"])
                assert cancelled["state"] == "cancelled"
        finally:
            await hang_up(holder)
        assert await console.noted(f"rebuild account {phone.account}") == ["begun", "cancelled"]
        assert (await console.post("job/cancel", job=job["job"]))["state"] == "cancelled", "twice is harmless"
        done = await console.ended((await console.post("rebuild", account=phone.account))["job"])
        assert done["state"] == "done", "where one was cancelled the next goes on"


@on_live
async def test_dead_letters_are_opened_retried_and_dropped(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    (phone,) = await live.account("phone")
    stream = f"a:{phone.account}"
    damaged = Record(stream, WRITER, 2, "settings.changed", 1, b"{")
    for record in (newer(stream, '{"theme":"newer"}', seq=1), damaged):
        (appended,) = await live.service.deployment.log.append([record])
        assert appended.outcome == "written"
    await live.projected()
    async with operating(live) as console:
        first = await console.get("dead-letters", account=phone.account, limit=1)
        second = await console.get("dead-letters", account=phone.account, after=first["after"])
        (newer_one,), (broken,) = first["letters"], second["letters"]
        assert "schema version 2" in newer_one["reason"]
        assert second["after"] is None
        opened = await console.get("dead-letter", position=newer_one["position"])
        assert '"theme":"newer"' in opened["body"]
        assert opened["retry_fails"]
        stays = await console.post("dead-letter/retry", position=newer_one["position"])
        assert (stays["appended"], stays["reason"]) == (False, opened["retry_fails"])

        monkeypatch.setattr(upcast, "UPCASTERS", (lambda kind, data: (kind, data),))
        monkeypatch.setattr(upcast, "SCHEMA_VERSION", 2)
        assert (await console.get("dead-letter", position=newer_one["position"]))["retry_fails"] is None
        assert (await console.post("dead-letter/retry", position=newer_one["position"]))["appended"] is True
        await live.projected()
        assert (await console.get("state", account=phone.account))["settings"] == {"theme": "newer"}
        assert await console.post("dead-letter/drop", position=broken["position"]) == {"dropped": True}
        assert (await console.get("dead-letters", account=phone.account))["letters"] == []
        assert (f"drop the dead letter {broken['position']}", "dropped") in await console.acts()
        retries = [outcome for what, outcome in await console.acts() if what.startswith("retry")]
        assert retries[1].startswith("stays: ")
        assert retries[3].startswith("appended at 0:")


@on_live
async def test_figures_follow_what_devices_do(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    one, other = await arrived(live, phone, laptop)
    async with one, other, operating(live) as console:
        async with beside(emit_on(one)), aclosing(console.events()) as events:
            async for name, told in events:
                if name == "history":
                    assert len(told["at_ms"]) == len(told["connections"])
                # The first is as old as the last sample was.
                if name == "sample" and told["charts"]["connections"] >= 2 and told["charts"]["deltas"]:
                    break
        charts = told["charts"]
        assert charts["admitted"] > 0
        assert 0 < charts["p50_ms"] <= charts["p95_ms"] <= charts["p99_ms"]
        assert (told["partitions"], told["unfolded"], told["trouble"]) == (1, [], "")
        (line,) = told["processes"]
        assert line["roles"] == "api, gateway, projector"


async def emit_on(device: RawDevice) -> None:
    n = 0
    while True:
        n += 1
        await device.emit_acked("settings.changed", {"n": n})


@on_live
async def test_figures_cover_processes_that_have_no_http(live: Live) -> None:
    """A gateway apart: it is known by what it writes into the store, and its connections count."""
    (phone,) = await live.account("phone")
    async with fresh_server(live) as ws_url, RawDevice(ws_url, phone.token) as device, operating(live) as console:
        await device.arrive("a:me")

        async with aclosing(console.events()) as events:
            async for name, told in events:
                apart = [line for line in told["processes"] if line["roles"] == "gateway"] if name == "sample" else []
                if apart and apart[0]["connections"] == 1:
                    break
        assert told["charts"]["connections"] == sum(line["connections"] for line in told["processes"])


def test_an_api_alone_says_that_nobody_folds(postgres_dsn: str) -> None:
    async def story() -> None:
        config = Config(database_url=postgres_dsn, port=0, ws_port=0)
        async with running_service(config, frozenset({"api"})) as service:
            live = Live(service, postgres_dsn, asyncio.get_running_loop())
            async with operating(live) as console, aclosing(console.events()) as events:
                async for name, told in events:
                    if name == "sample" and told is not None:
                        break
            assert told["unfolded"] == [0]
            assert told["charts"]["lag_records"] is None, "unknown is not 0"
            assert json.dumps(told["processes"]).count('"api"') == 1

    asyncio.run(story())


def test_a_server_stops_while_somebody_follows_its_figures(postgres_dsn: str) -> None:
    async def story() -> None:
        config = Config(database_url=postgres_dsn, port=0, ws_port=0)
        heard: list[str] = []
        async with AsyncExitStack() as service_goes:
            service = await service_goes.enter_async_context(running_service(config, frozenset({"api"})))
            live = Live(service, postgres_dsn, asyncio.get_running_loop())
            async with operating(live) as console:
                await console.get("accounts")  # opens the desk, which must close as well

                async def follow() -> None:
                    async for name, _ in console.events():
                        heard.append(name)

                following = asyncio.create_task(follow())
                await until(lambda: "jobs" in heard)
                await service_goes.aclose()
                await following  # the answer ended whole

    asyncio.run(story())
