"""Two gateways, two projectors, an API, Kafka and Postgres: each is killed, frozen and stopped while devices work.

    python -m load.failures                     200 devices, freezes of 15 s, Postgres away for 60 s; some 5 minutes
    python -m load.failures --devices 40 --freeze 3 --away 5
    python -m load.failures --json              the figures as one JSON object

Every role is a process of its own; devices of the Python SDK know nothing but the API's address. They edit lists,
library and settings all the time. One after the other, gateway, projector, API and broker get SIGKILL (and are started
again), SIGSTOP, and SIGTERM (and are started again); then the database refuses everybody for a while.

At the end everybody settles, and what the devices were told is compared with the log, the cells and each other. Exit
code 0 when all of it holds, 1 when not. Times are told beside their goals, and judged by nobody: a machine has them.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from load.arguments import command
from load.report import Progress, print_table
from load.role_process import RoleProcess
from load.working_device import WorkingDevice
from syncd.bootstrap import Deployment, open_deployment
from syncd.client import DeviceState
from syncd.client.own_event import OwnEvent
from syncd.config import Config
from syncd.log.kafka import KafkaLog
from syncd.model.cells import Cells
from syncd.operations.devices import link_device, revoke_device
from syncd.postgres.connection import connect, hang_up
from syncd.testing.kafka import KafkaBroker, running_kafka
from syncd.testing.patience import until
from syncd.testing.ports import free_ports
from syncd.testing.postgres import create_database, installed_versions, running_postgres
from syncd.testing.quiet import state_of_store, until_projected
from syncd.testing.recorded_acks import AckBook, doubles, read_log, told
from syncd.testing.tally import tally

DEVICES = 200
DEVICES_PER_ACCOUNT = 4
PARTITIONS = 4
FREEZE_S = 15.0
AWAY_S = 60.0
CALM_S = 3.0
"""Between two failures."""
SETTLE_TIMEOUT_S = 90.0
POLL_S = 0.01
GOALS = {
    "gateway_resumed_ms_p99": 5_000,
    "projector_moving_ms": 8_000,
    "broker_first_ack_ms": 10_000,
}


@dataclass
class Figures:
    """What a run came to.

    Attributes:
        acked, found: events that an ack named, and events that were admitted and told by the state instead.
        gateway_resumed_ms_p50, gateway_resumed_ms_p99: from the kill of a gateway until each device that it had was in
            step again, at another one.
        projector_moving_ms: from the kill of a projector until every partition was folded beyond where it ended then.
        projector_acks: acks in that time.
        broker_first_ack_ms: from the broker's return to the first ack.
        away_acks, away_deltas: acks and live deltas while Postgres was away, without the first second.
        revoked_ms: from a revocation until the device had lost its socket.
    """

    devices: int = 0
    seconds: float = 0.0
    events: int = 0
    acked: int = 0
    found: int = 0
    gateway_resumed_ms_p50: float = 0.0
    gateway_resumed_ms_p99: float = 0.0
    projector_moving_ms: float = 0.0
    projector_acks: int = 0
    broker_first_ack_ms: float = 0.0
    away_acks: int = 0
    away_deltas: int = 0
    revoked_ms: float = 0.0
    problems: list[str] = field(default_factory=list)


class Run:
    """One run over a deployment that stands."""

    def __init__(
        self, config: Config, admin_dsn: str, roles: dict[str, RoleProcess], broker: KafkaBroker, *,
        url: str, gateway_ports: Mapping[str, int], freeze_s: float, away_s: float, calm_s: float, rng: random.Random,
        progress: Progress,
    ) -> None:  # fmt: skip
        self.figures = Figures()
        self._config = config
        self._admin_dsn = admin_dsn
        self._roles = roles
        self._broker = broker
        self._url = url
        self._gateway_ports = gateway_ports
        self._freeze_s = freeze_s
        self._away_s = away_s
        self._calm_s = calm_s
        self._rng = rng
        self._progress = progress
        self._book = AckBook()
        self._devices: list[WorkingDevice] = []

    async def go(self, *, devices: int) -> None:
        """All failures under traffic, then quiet, then the checks."""
        started_s = time.monotonic()
        self.figures.devices = devices
        asyncio.get_running_loop().set_exception_handler(self._broke)
        async with AsyncExitStack() as stack:
            async with open_deployment(self._config) as deployment:
                await self._link(deployment, devices, stack)
                await self._fail(deployment)
            await self._settle()
            # The deployment above lived through all of it; what is compared is read through a fresh one.
            async with open_deployment(self._config) as deployment:
                await self._check(deployment)
        self.figures.seconds = round(time.monotonic() - started_s, 1)

    def _broke(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something failed behind everybody's back, in a callback or a task of a device."""
        self.figures.problems.append(f"{context['message']}: {context.get('exception')!r}")

    async def _fail(self, deployment: Deployment) -> None:
        """One failure after the other, while all devices work."""
        steps: Sequence[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("kill a gateway", self._kill_gateway),
            ("freeze a gateway", lambda: self._freeze("gateway-0")),
            ("stop a gateway", lambda: self._stop("gateway-0")),
            ("kill a projector", lambda: self._kill_projector(deployment)),
            ("freeze a projector", lambda: self._freeze("projector-0")),
            ("stop a projector", lambda: self._stop("projector-0")),
            ("kill the api", lambda: self._kill("api")),
            ("freeze the api", lambda: self._freeze("api")),
            ("stop the api", lambda: self._stop("api")),
            ("kill the broker", lambda: self._broker_returns(self._broker.kill)),
            ("freeze the broker", self._freeze_broker),
            ("stop the broker", lambda: self._broker_returns(self._broker.stop)),
            ("Postgres away", self._postgres_away),
        ]
        working = [asyncio.create_task(device.work()) for device in self._devices]
        try:
            for done, (name, step) in enumerate(steps):
                self._progress.advance(done, f"{name}; {len(self._book.acks)} acks")
                await asyncio.sleep(self._calm_s)
                await step()
            await asyncio.sleep(self._calm_s)
            self._progress.advance(len(steps))
        finally:
            for task in working:
                task.cancel()
            ended = await asyncio.gather(*working, return_exceptions=True)
        self.figures.problems += [f"a device broke: {end!r}" for end in ended if isinstance(end, Exception)]

    async def _link(self, deployment: Deployment, devices: int, stack: AsyncExitStack) -> None:
        account = ""
        for n in range(devices):
            if n % DEVICES_PER_ACCOUNT == 0:
                account = (await deployment.accounts.create(f"listener {n}")).account
            work = (deployment.accounts, deployment.log, deployment.clock)
            login = await link_device(*work, account, name=f"device {n}")
            device = WorkingDevice(f"d{n}", self._url, login, rng=random.Random(self._rng.random()), book=self._book)
            self._devices.append(device)
            await stack.enter_async_context(device.device)
        for device in self._devices:
            await device.device.ready(timeout_s=SETTLE_TIMEOUT_S)

    # --- failures ---

    async def _kill(self, name: str) -> None:
        await self._roles[name].kill()
        await asyncio.sleep(self._calm_s)
        await self._roles[name].start()

    async def _stop(self, name: str) -> None:
        code = await self._roles[name].stop()
        if code != 0:
            self.figures.problems.append(f"{name} ended with {code} after SIGTERM")
        await asyncio.sleep(self._calm_s)
        await self._roles[name].start()

    async def _freeze(self, name: str) -> None:
        self._roles[name].freeze()
        await asyncio.sleep(self._freeze_s)
        self._roles[name].thaw()

    async def _kill_gateway(self) -> None:
        name = max(("gateway-0", "gateway-1"), key=lambda name: len(self._at(name)))
        there = self._at(name)
        killed_s = time.monotonic()
        await self._roles[name].kill()
        resumed_s: dict[str, float] = {}
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while len(resumed_s) < len(there):
                for device in there:
                    if device.name not in resumed_s and device.linked_at_s > killed_s and device.device.connected:
                        resumed_s[device.name] = time.monotonic() - killed_s
                await asyncio.sleep(POLL_S)
        ordered = sorted(resumed_s.values())
        self.figures.gateway_resumed_ms_p50 = round(1e3 * ordered[len(ordered) // 2])
        self.figures.gateway_resumed_ms_p99 = round(1e3 * ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)])
        await self._roles[name].start()

    def _at(self, name: str) -> list[WorkingDevice]:
        """The devices whose newest connection is at a gateway."""
        port = self._gateway_ports[name]
        return [device for device in self._devices if urlsplit(device.linked_url).port == port]

    async def _kill_projector(self, deployment: Deployment) -> None:
        log, store = deployment.log, deployment.store
        killed_s, acks = time.monotonic(), len(self._book.acks)
        await self._roles["projector-0"].kill()
        await asyncio.sleep(0.5)  # so that there is something new in every partition
        await until_projected(log, store, timeout_s=SETTLE_TIMEOUT_S)
        self.figures.projector_moving_ms = round(1e3 * (time.monotonic() - killed_s))
        self.figures.projector_acks = len(self._book.acks) - acks
        await self._roles["projector-0"].start()

    async def _broker_returns(self, end: Callable[[], None]) -> None:
        await asyncio.to_thread(end)
        await asyncio.sleep(self._calm_s)
        # In this thread: the broker ends with the one that starts it.
        self._broker.launch()
        await asyncio.to_thread(self._broker.wait_ready)
        back_s = time.monotonic()
        await until(lambda: self._acked_since(back_s), "no ack since the broker is back", timeout_s=SETTLE_TIMEOUT_S)
        took_ms = round(1e3 * (self._acked_since(back_s)[0] - back_s))
        self.figures.broker_first_ack_ms = max(self.figures.broker_first_ack_ms, took_ms)

    async def _freeze_broker(self) -> None:
        self._broker.freeze()
        await asyncio.sleep(self._freeze_s)
        self._broker.thaw()

    async def _postgres_away(self) -> None:
        """The database takes no connection and cuts those there are: to everybody who uses it, it is down."""
        database = urlsplit(self._config.database_url or "").path.lstrip("/")
        admin = await connect(self._admin_dsn)
        try:
            await admin.execute(f"alter database {database} allow_connections false")
            cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
            await admin.execute(cut, database)
            await asyncio.sleep(1.0)
            away_s, deltas = time.monotonic(), sum(device.deltas for device in self._devices)
            await asyncio.sleep(self._away_s - 1.0)
            self.figures.away_acks = len(self._acked_since(away_s))
            self.figures.away_deltas = sum(device.deltas for device in self._devices) - deltas
        finally:
            await admin.execute(f"alter database {database} allow_connections true")
            await hang_up(admin)
        if not self.figures.away_acks or not self.figures.away_deltas:
            self.figures.problems.append("connected devices got no ack, or no delta, while Postgres was away")

    def _acked_since(self, at_s: float) -> list[float]:
        """When acks came since then, in order."""
        found = []
        for ack in reversed(self._book.acks):
            if ack.at_s < at_s:
                break
            found.append(ack.at_s)
        return found[::-1]

    # --- afterwards ---

    async def _settle(self) -> None:
        def settled() -> bool:
            for device in self._devices:
                device.hurry()
            return all(device.device.connected and not device.device.owed for device in self._devices)

        await until(settled, "some devices are not in step", timeout_s=SETTLE_TIMEOUT_S)

    async def _check(self, deployment: Deployment) -> None:
        figures, log, store = self.figures, deployment.log, deployment.store
        await until_projected(log, store, timeout_s=SETTLE_TIMEOUT_S)
        made: dict[str, list[OwnEvent]] = {}
        for device in self._devices:
            made.setdefault(device.login.account, []).extend(device.listener.events)
        counted = tally(made, self._book.acks, await read_log(log))
        figures.events, figures.acked, figures.found, problems = counted
        figures.problems += problems
        figures.problems += await self._book.problems(log, store)
        everything: Cells = {}
        for device in self._devices:
            figures.problems += told(device.problems)
            stored = await state_of_store(log, store, f"a:{device.login.account}")
            everything.update({f"{device.login.account} {key}": cell for key, cell in stored.cells.items()})
            verified = await device.device.verify()
            if {verified.ours, verified.theirs} != {stored.digest}:
                digests = (verified.ours, verified.theirs, stored.digest)
                figures.problems.append(f"{device.name} differs: itself, its gateway and the store say {digests}")
        figures.problems += doubles(everything, [track for device in self._devices for track in device.listener.added])
        for role in self._roles.values():
            if "Traceback" in role.said():
                trace = role.said().partition("Traceback")[2]
                figures.problems.append(f"a traceback of {role.name}: {trace[:3_000]}")
        await self._check_revocation(deployment)

    async def _check_revocation(self, deployment: Deployment) -> None:
        device, started_s = self._devices[-1], time.monotonic()
        work = (deployment.accounts, deployment.log, deployment.side_channel, deployment.clock)
        await revoke_device(*work, device.login.device)
        lost = lambda: device.device.state is DeviceState.LOGIN_NEEDED  # noqa: E731 - read once, below
        await until(lost, "a revoked device kept its socket", timeout_s=SETTLE_TIMEOUT_S)
        self.figures.revoked_ms = round(1e3 * (time.monotonic() - started_s))


async def run_failures(
    admin_dsn: str, broker: KafkaBroker, folder: Path, *, devices: int, freeze_s: float, away_s: float, calm_s: float,
    seed: int, progress: Progress,
) -> Figures:  # fmt: skip
    """A whole run on a database and a topic of its own; its processes end with it."""
    dsn = await create_database(admin_dsn)
    topic = f"failures-{secrets.token_hex(6)}"
    await (await KafkaLog.open(broker.address, topic, partitions=PARTITIONS)).close()
    config = Config(database_url=dsn, log=f"kafka://{broker.address}/{topic}")
    async with open_deployment(config):
        pass  # the deployment writes down which log is its own
    settings = {"SYNCD_DATABASE_URL": dsn, "SYNCD_LOG": config.log}
    http_port, *ws_ports = free_ports(3)
    ports = dict(zip(("gateway-0", "gateway-1"), ws_ports, strict=True))
    roles = [RoleProcess("api", ["api", "--port", str(http_port)], settings=settings, folder=folder)]
    for name, port in ports.items():
        options = ["gateway", "--ws-port", str(port), "--metrics-port", "0"]
        public = {"SYNCD_PUBLIC_WS_URL": f"ws://127.0.0.1:{port}/v1/sync"}
        roles.append(RoleProcess(name, options, settings={**settings, **public}, folder=folder))
    for name in ("projector-0", "projector-1"):
        roles.append(RoleProcess(name, ["projector", "--metrics-port", "0"], settings=settings, folder=folder))
    try:
        await asyncio.gather(*(role.start() for role in roles))
        run = Run(
            config, admin_dsn, {role.name: role for role in roles}, broker, url=f"http://127.0.0.1:{http_port}",
            gateway_ports=ports,
            freeze_s=freeze_s, away_s=away_s, calm_s=calm_s, rng=random.Random(seed), progress=progress,
        )  # fmt: skip
        await run.go(devices=devices)
    finally:
        await asyncio.gather(*(role.kill() for role in roles))
    return run.figures


def main() -> int:
    parser = command("load.failures", __doc__)
    parser.add_argument("--devices", type=int, default=DEVICES, help=f"devices of the SDK, {DEVICES} by default")
    parser.add_argument("--freeze", type=float, default=FREEZE_S, metavar="S", help=f"seconds, {FREEZE_S:g} by default")
    parser.add_argument("--away", type=float, default=AWAY_S, metavar="S", help=f"seconds, {AWAY_S:g} by default")
    parser.add_argument(
        "--calm", type=float, default=CALM_S, metavar="S", help=f"between failures, {CALM_S:g} s by default"
    )
    parser.add_argument("--seed", type=int, help="of what the devices do; drawn and told when not given")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    options = parser.parse_args()
    if options.devices < DEVICES_PER_ACCOUNT or options.away < 2:
        parser.error(f"at least {DEVICES_PER_ACCOUNT} devices, and Postgres away for 2 s")
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    progress = Progress("failures", 13)
    progress.note(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="syncd-failures-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # started by root, Postgres runs as somebody who must get through
        with (
            running_postgres(installed_versions()[0], folder / "postgres", durable=True) as admin_dsn,
            running_kafka(folder / "kafka") as broker,
        ):
            figures = asyncio.run(
                    run_failures(
                        admin_dsn, broker, folder, devices=options.devices, freeze_s=options.freeze,
                        away_s=options.away, calm_s=options.calm, seed=seed, progress=progress,
                    )
                )  # fmt: skip
    progress.done()
    if options.json:
        print(json.dumps({"seed": seed, **asdict(figures)}))
    else:
        report(figures)
    return 1 if figures.problems else 0


def report(figures: Figures) -> None:
    rows = [
        (name.replace("_", " "), f"{value:,.0f}", f"{GOALS[name]:,}" if name in GOALS else "")
        for name, value in asdict(figures).items()
        if name != "problems"
    ]
    print_table(("figure", "value", "goal, at most"), rows)
    for problem in figures.problems:
        print(f"WRONG: {problem}")
    if not figures.problems:
        print("no acked event lost, no double effect, no gap; devices, gateways and the store are equal by digest")


if __name__ == "__main__":
    sys.exit(main())
