"""`docker-compose.yml` at work: every service runs with its command, and devices meet through nginx."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from compose_file import PROMETHEUS
from running import Running
from websockets.sync.client import connect

from syncd.client import Device
from syncd.logs import FIELDS
from syncd.testing.kafka import KafkaMissing, fetch_jars
from syncd.testing.patience import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
TIMEOUT_S = 60.0
TRACKS = ["a song that nobody else should know of", "another one"]


@pytest.fixture
def running(postgres_admin_dsn: str, postgres_dsn: str) -> Iterator[Running]:
    if shutil.which("nginx") is None:
        pytest.skip("no nginx (Debian: nginx)")
    try:
        fetch_jars()
    except KafkaMissing as error:
        pytest.skip(str(error))
    folder = Path(tempfile.mkdtemp(prefix="syncd-compose-"))
    folder.chmod(0o711)  # nginx, started by root, works as somebody who must get through
    with Running(folder, postgres_dsn) as started:
        yield started
    shutil.rmtree(folder)


async def devices_agree(running: Running, tokens: list[str], urls: list[str]) -> None:
    """One device at each address; what the first says is known to the others, and the API."""
    opened = [Device(url, token) for url, token in zip(urls, tokens, strict=True)]
    for device in opened:
        await device.__aenter__()
    try:
        first, *others = opened
        for device in opened:
            await device.ready(timeout_s=TIMEOUT_S)
        await first.queue.add(*TRACKS)
        await first.settled(timeout_s=TIMEOUT_S)
        await until(lambda: all(device.queue.tracks == TRACKS for device in others), timeout_s=TIMEOUT_S)
        assert (await others[0].verify()).agrees
    finally:
        for device in opened:
            await device.__aexit__(None, None, None)


def test_devices_meet_through_nginx_and_every_process_is_watched(running: Running) -> None:
    # given: `docker compose up --wait`
    for name in running.services:
        running.up(name)
    for name, service in running.services.items():
        if service.health:
            running.until_healthy(name)

    # when: what the head of the file says
    account = json.loads(running.execute("api", "syncd", "account", "create", "alice", "--json"))["account"]
    tokens = [
        json.loads(running.execute("api", "syncd", "device", "link", "alice", "--name", name, "--json"))["token"]
        for name in ("phone", "laptop", "car")
    ]

    # then: devices meet, whichever gateway they reach
    front = f"{running.hosts['nginx']}:8080"
    paths = ("/gateway-1/v1/sync", "/gateway-2/v1/sync", "/v1/sync")
    asyncio.run(devices_agree(running, tokens, [f"ws://{front}{path}" for path in paths]))
    with httpx.Client(base_url=f"http://{front}", timeout=TIMEOUT_S) as client:
        bearer = {"authorization": f"Bearer {tokens[0]}"}
        assert client.get("/v1/connect", headers=bearer).json()["url"] in {f"ws://{front}{path}" for path in paths}
        state = client.get("/v1/state", headers=bearer).json()
        assert [entry["track"] for entry in state["queue"]] == TRACKS
        assert client.get("/").status_code == 200
        assert client.get("/metrics").status_code == 404
        assert client.get("/readyz").status_code == 404

    # and: Prometheus finds everybody; both gateways had devices, all partitions are folded
    (job,) = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))["scrape_configs"]
    told = {
        target.split(":")[0]: httpx.get(f"http://{running.address(target)}/metrics", timeout=TIMEOUT_S).text
        for target in job["static_configs"][0]["targets"]
    }
    for gateway in ("gateway-1", "gateway-2"):
        assert "syncd_connections_opened_total 0.0" not in told[gateway]
    assert _number(told["api"], "syncd_partitions") == 12
    asyncio.run(until(lambda: _leases(running) == 12, "somebody folds each partition", timeout_s=TIMEOUT_S))
    assert account not in "".join(told.values())

    # and: the doctor finds nothing wrong where a role runs
    assert json.loads(running.execute("gateway-1", "syncd", "doctor", "--json"))["healthy"] is True

    # and: while a gateway is away, the address of all still leads to one
    assert running.stop("gateway-1") == 0, running.said("gateway-1")
    for _ in range(8):
        with connect(f"ws://{front}/v1/sync", open_timeout=TIMEOUT_S) as socket:
            assert socket.response is not None
            assert socket.response.status_code == 101

    # and: when the broker is away, everybody says that it is the log, and stops all the same when told to
    running.stop("kafka")
    reasons = httpx.get(running.address("http://api:8082/readyz"), timeout=TIMEOUT_S).json()["reasons"]
    assert [reason.split(":")[0] for reason in reasons] == ["log"], reasons
    for name in ("gateway-2", "projector-1", "projector-2", "api"):
        assert running.stop(name) == 0, running.said(name)

    # and: whatever the processes said is an event with the fields of the house, and gives nobody away
    for name, service in running.services.items():
        text = running.all_said(name)
        assert not [secret for secret in (*tokens, *TRACKS) if secret in text], name
        for line in running.lines(name) if service.is_ours else ():
            assert json.loads(line).keys() <= {"time", "level", "room", "event", *FIELDS}, line


def _leases(running: Running) -> float:
    """Of both projectors together; they share, and a share may be on its way from one to the other."""
    urls = [running.address(f"http://projector-{number}:8082/metrics") for number in (1, 2)]
    return sum(_number(httpx.get(url, timeout=TIMEOUT_S).text, "syncd_leases") for url in urls)


def _number(text: str, name: str) -> float:
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[1])
