"""The command beside a running server, on the embedded Postgres of one data folder, and on a Postgres of one's own."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx
import pytest
from command import COMMAND, DEADLINE_S, Process, Shell
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from syncd.testing.patience import until
from syncd.testing.postgres import create_database, drop_database
from syncd.testing.server_process import processes_of

pytestmark = pytest.mark.e2e

UPGRADE = (
    b"GET /v1/sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n"
)


@dataclass(frozen=True)
class Served:
    """A server that runs for all tests of this file."""

    shell: Shell
    process: Process
    ready: dict[str, Any]

    def account(self, name: str) -> str:
        return str(self.shell.run("account", "create", name, "--json").json["account"])

    def device(self, account: str, name: str) -> tuple[str, str]:
        """A linked device and its token."""
        linked = self.shell.run("device", "link", account, "--name", name, "--json").json
        return linked["device"], linked["token"]

    def emit(self, token: str, *events: dict[str, Any]) -> list[Any]:
        """Be a device that emits these, until they are answered; everything that the server said."""
        stdin = "".join(json.dumps(event) + "\n" for event in events)
        return self.shell.run("device", "--token", token, "--url", self.ready["ws_url"], stdin=stdin).lines


def get(url: str, **how: Any) -> httpx.Response:
    return httpx.get(url, timeout=DEADLINE_S, **how)


def setting(**values: Any) -> dict[str, Any]:
    return {"kind": "settings.changed", "data": values}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    shell = Shell(tmp_path_factory.mktemp("served"), {})
    with shell.started("serve", "--port", "0", "--ws-port", "0", "--json") as process:
        yield Served(shell, process, json.loads(process.line()))
        assert process.stop() == 0, process.err


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, {})


# --- serve ---


def test_serve_prints_what_to_open_and_keeps_its_link_over_restarts(shell: Shell) -> None:
    links = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with shell.started("serve", "--port", "0", "--ws-port", "0") as server:
            said = [server.line()]
            while "stop" not in said[-1]:
                said.append(server.line())
            assert said[0] == "syncd is ready"
            told = dict(line.split(maxsplit=1) for line in said[1:])
            url, _, token = told["open"].partition("/#token=")
            assert token == told["token"]
            assert get(f"{url}/healthz").json()["alive"] is True
            state = get(f"{url}/v1/state", headers={"authorization": f"Bearer {token}"}).json()
            assert [device["name"] for device in state["devices"]] == ["First window"]
            console, _, operator = told["console"].partition("#token=")
            assert console == f"{url}/console"
            me = get(f"{console}/api/me", headers={"authorization": f"Bearer {operator}"}).json()
            assert me["operator"] == "local"
            assert told["sockets"].endswith("/v1/sync")
            assert told["data"] == str(shell.folder / "syncd-data")
            assert " demo --ws-port " in told["try"]
            links.append((token, operator))
            assert server.stop(number) == 0, server.err
            assert "stopping" in server.err
            assert "Traceback" not in server.err
    assert links[0] == links[1]
    asyncio.run(until(lambda: not processes_of(shell.folder), "processes were left behind"))


def test_a_second_signal_ends_a_server_at_once(served: Served) -> None:
    with served.shell.started("gateway", "--ws-port", "0", "--json") as gateway:
        address = urlsplit(json.loads(gateway.line())["ws_url"])
        # Somebody who never answers a close frame: draining waits a second for him.
        with socket.create_connection((address.hostname, address.port)) as silent:
            silent.sendall(UPGRADE)
            assert silent.recv(1_000).startswith(b"HTTP/1.1 101")
            # It meets both when it goes on; a second that was sent later might find it gone on a slow machine.
            for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM):
                gateway.send(number)
            assert gateway.stop(signal.SIGCONT) == 130
        assert "stopping" in gateway.err
        assert "Traceback" not in gateway.err


@pytest.mark.parametrize(
    ("option", "variable"),
    [("--port", "SYNCD_PORT"), ("--ws-port", "SYNCD_WS_PORT"), ("--metrics-port", "SYNCD_METRICS_PORT")],
)
def test_a_port_that_is_taken_is_named_with_its_setting(served: Served, option: str, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        free = {"--port": "0", "--ws-port": "0", option: port}
        said = served.shell.refused("serve", *(word for pair in free.items() for word in pair), code=3)
    assert port in said
    assert variable in said


def test_roles_run_apart_on_one_database(served: Served) -> None:
    account = served.account("apart")
    _, token = served.device(account, "phone")
    shell = served.shell
    with (
        shell.started("gateway", "--ws-port", "0", "--json") as gateway,
        shell.started("projector", "--metrics-port", "0", "--json") as projector,
        shell.started("api", "--port", "0", "--json") as api,
    ):
        ws_url = json.loads(gateway.line())["ws_url"]
        watched = json.loads(projector.line())
        assert (watched["http_url"], watched["ws_url"]) == (None, None)
        assert "syncd_leases" in get(f"{watched['metrics_url']}/metrics").text
        http_url = json.loads(api.line())["http_url"]
        event = json.dumps(setting(theme="dark"))
        shell.run("device", "--token", token, "--url", ws_url, stdin=event)
        state = get(f"{http_url}/v1/state", headers={"authorization": f"Bearer {token}"}).json()
        assert state["settings"] == {"theme": "dark"}
        for role in (gateway, projector, api):
            assert role.stop() == 0, role.err


# --- accounts and devices ---


def test_an_account_and_a_device_are_made_beside_the_server(served: Served) -> None:
    made = served.shell.run("account", "create", "alice", "--json").json
    assert re.fullmatch(r"[0-9a-z]{12}", made.pop("account"))
    assert made == {}
    linked = served.shell.run("device", "link", "alice", "--name", "phone", "--json").json
    assert set(linked) == {"device", "token"}
    (device,) = served.shell.run("device", "list", "alice", "--json").json
    assert (device["device"], device["name"], device["revoked_ms"]) == (linked["device"], "phone", None)
    assert "alice" in [account["name"] for account in served.shell.run("account", "list", "--json").json]
    assert "phone" in served.shell.run("device", "list", "alice").out
    assert "alice" in served.shell.run("account", "list").out
    http_url = served.ready["http_url"]
    answer = get(f"{http_url}/v1/state", headers={"authorization": f"Bearer {linked['token']}"})
    assert answer.json()["devices"][0]["name"] == "phone"


def test_the_socket_of_a_revoked_device_closes_within_seconds(served: Served) -> None:
    account = served.account("revoking")
    (phone, phone_token), (_, car_token) = served.device(account, "phone"), served.device(account, "car")
    with connected(served, phone_token) as phone_socket, connected(served, car_token) as car_socket:
        revoked = served.shell.run("device", "revoke", phone, "--json").json
        assert set(revoked) == {"device", "revoked_ms"}
        with pytest.raises(ConnectionClosed) as closed:
            read_until_closed(phone_socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4201
        while received(car_socket).get("by", {}).get("kind") != "device.revoked":
            pass  # the name of a device may come as a delta, too, right after the snapshot
    said = served.shell.run("device", "--token", phone_token, "--url", served.ready["ws_url"], expect=7)
    assert "revoked" in said.err


@contextmanager
def connected(served: Served, token: str) -> Iterator[ClientConnection]:
    """A socket that has said hello and got its snapshot."""
    with connect(served.ready["ws_url"], compression=None, open_timeout=DEADLINE_S) as socket_:
        hello = {"type": "hello", "token": token, "nonce": "0123456789abcdef", "client": "test/1", "now_ms": 0}
        socket_.send(json.dumps({**hello, "streams": [{"stream": "a:me"}]}))
        assert received(socket_)["type"] == "welcome"
        while received(socket_)["type"] != "snapshot":
            pass  # who else is here may be told before
        yield socket_


def read_until_closed(socket_: ClientConnection) -> NoReturn:
    """Raises `ConnectionClosed` when the other side closes, `TimeoutError` when it does not in time."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        socket_.recv(timeout=deadline - time.monotonic())


def received(socket_: ClientConnection) -> Any:
    return json.loads(socket_.recv(timeout=DEADLINE_S))


# --- looking inside ---


def test_state_why_log_and_verify_tell_of_one_event(served: Served) -> None:
    account = served.account("looking")
    device, token = served.device(account, "phone")
    answers = served.emit(token, setting(theme="dark"), setting(theme="light"))
    assert [answer["type"] for answer in answers][:2] == ["welcome", "snapshot"]

    shell = served.shell
    state = shell.run("state", "looking", "--json").json
    assert state["settings"] == {"theme": "light"}
    http = get(f"{served.ready['http_url']}/v1/state", headers={"authorization": f"Bearer {token}"}).json()
    assert (http["digests"], http["settings"], list(http)) == (state["digests"], state["settings"], list(state))
    assert json.loads(shell.run("state", account).out)["settings"] == state["settings"]
    assert shell.run("state", account, "--at", "1h", "--json").json["devices"] == []

    explained = shell.run("why", account, "settings/theme", "--json").json
    assert [(write["value"], write["stands"], write["device"]) for write in explained["writes"]] == [
        ("dark", False, device),
        ("light", True, device),
    ]
    assert explained["agrees"] is True
    told = shell.run("why", account, "settings/theme").out
    assert "phone" in told
    assert "lost: written" in told

    records = shell.run("log", "show", "--account", account, "--json").lines
    assert [record["kind"] for record in records] == ["device.described", "settings.changed", "settings.changed"]
    shown = shell.run("log", "show", "--account", account, "--kind", "settings.changed", "--since", "1h").out
    assert [line.split()[4] for line in shown.splitlines()] == ["settings.changed"] * 2
    assert shell.run("log", "show", "--device", device, "--until", "1h").out == ""

    verified = shell.run("verify", "--seed", "7", "--json").json
    assert (verified["agrees"], verified["seed"], verified["differences"]) == (True, 7, [])
    assert "the store holds what the log says" in shell.run("verify").out


def test_log_tail_follows_until_ctrl_c(served: Served) -> None:
    account = served.account("tailing")
    _, token = served.device(account, "phone")
    with served.shell.started("log", "tail", "--account", account, "--json") as tail:
        assert json.loads(tail.line())["kind"] == "device.described"
        served.emit(token, setting(theme="dark"))
        assert json.loads(tail.line())["data"] == {"theme": "dark"}
        assert tail.stop(signal.SIGINT) == 130
        assert tail.err == ""


def test_output_that_nobody_reads_any_more_ends_a_command_quietly(served: Served) -> None:
    account = served.account("piping")
    _, token = served.device(account, "phone")
    served.emit(token, *(setting(text="x" * 20_000, n=n) for n in range(20)))
    piped = subprocess.Popen(
        [*COMMAND, "log", "show", "--account", account], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=served.shell.folder, env=served.shell.environment(),
    )  # fmt: skip
    with piped:
        assert piped.stdout is not None
        assert piped.stderr is not None
        piped.stdout.read(10)
        piped.stdout.close()
        assert piped.wait(DEADLINE_S) == 141
        assert piped.stderr.read() == b""


def test_the_log_names_a_kind_that_nobody_knows_but_goes_on(served: Served) -> None:
    ran = served.shell.run("log", "show", "--kind", "list.insert")
    assert ran.out == ""
    assert "'list.inserted'" in ran.err


# --- what is refused ---


def test_a_name_that_is_taken_is_a_conflict(served: Served) -> None:
    served.account("taken")
    assert "'taken'" in served.shell.refused("account", "create", "taken", code=4)


def test_what_there_is_not_is_not_found(served: Served) -> None:
    account = served.account("lonely")
    for command in (("state", "nobody"), ("device", "link", "nobody", "--name", "x"), ("device", "revoke", "nothing")):
        assert "no" in served.shell.refused(*command, code=5)
    assert "wrote" in served.shell.refused("why", account, "settings/theme", code=5)


def test_wrong_usage_shows_how(served: Served) -> None:
    for command in (
        ("account", "create"),
        ("state", "x", "--at", "yesterday"),
        ("log", "show", "--account", "a", "--stream", "a:b"),
        ("verify", "--partition", "99"),
        ("device", "--token", "a", "--token-file", "b"),
    ):
        ran = served.shell.run(*command, expect=2)
        assert "Usage" in ran.out + ran.err


def test_a_wrong_setting_is_named_with_what_is_allowed(shell: Shell) -> None:
    (shell.folder / "syncd.toml").write_text("prot = 1\n")
    assert "did you mean 'port'" in shell.refused("account", "list", code=3)
    assert "no configuration file" in shell.refused("config", "show", "--config", "gone.toml", code=3)


def test_a_database_that_does_not_answer_is_named_with_the_reason_and_without_its_password(shell: Shell) -> None:
    shell = Shell(shell.folder, {"SYNCD_DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/none"})
    for command in (("account", "list"), ("migrate", "status"), ("serve", "--port", "0", "--ws-port", "0")):
        ran = shell.run(*command, expect=6)
        why, where = ran.err.splitlines()
        assert why.endswith("nothing listens at its address")
        assert where == "syncd: the database is 127.0.0.1:1/none"


# --- settings ---


def test_config_show_tells_values_and_sources_and_masks_secrets(shell: Shell) -> None:
    (shell.folder / "syncd.toml").write_text('region = "eu-1"\n')
    variables = {"SYNCD_WS_PORT": "9001", "SYNCD_DATABASE_URL": "postgresql://me:hunter2@db/syncd", "SYNCD_PROT": "1"}
    shell = Shell(shell.folder, variables)
    ran = shell.run("config", "show", "--port", "9000", "--json")
    shown = ran.json
    assert shown["port"] == {"value": 9000, "from": "--port"}
    assert shown["ws_port"] == {"value": 9001, "from": "SYNCD_WS_PORT"}
    assert shown["region"] == {"value": "eu-1", "from": str(shell.folder / "syncd.toml")}
    assert shown["host"] == {"value": "127.0.0.1", "from": "default"}
    assert shown["database_url"] == {"value": "(secret)", "from": "SYNCD_DATABASE_URL"}
    assert "SYNCD_PROT" in ran.err
    assert "'SYNCD_PORT'" in ran.err
    assert "hunter2" not in shell.run("config", "show").out


# --- a Postgres of one's own ---


@pytest.fixture
def own_postgres(tmp_path: Path, postgres_dsn: str) -> Shell:
    return Shell(tmp_path, {"SYNCD_DATABASE_URL": postgres_dsn})


def test_the_command_works_on_a_postgres_of_one_s_own(own_postgres: Shell) -> None:
    account = own_postgres.run("account", "create", "alice", "--json").json["account"]
    own_postgres.run("device", "link", account, "--name", "phone")
    assert own_postgres.run("state", "alice", "--json").json["devices"][0]["name"] == "phone"
    assert own_postgres.run("verify", "--json").json["behind"] == 1
    assert not (own_postgres.folder / "syncd-data").exists()


def test_migrations_are_applied_once_and_can_be_seen(tmp_path: Path, postgres_admin_dsn: str) -> None:
    dsn = asyncio.run(create_database(postgres_admin_dsn, migrated=False))
    try:
        shell = Shell(tmp_path, {"SYNCD_DATABASE_URL": dsn})
        pending = shell.run("migrate", "status", "--json", expect=1).json["pending"]
        assert shell.run("migrate", "--json").json == {"applied": pending, "new_epoch": False}
        assert shell.run("migrate").out == "nothing to apply\n"
        assert shell.run("migrate", "status", "--json").json == {"applied": pending, "pending": [], "unknown": []}
    finally:
        asyncio.run(drop_database(postgres_admin_dsn, dsn))


def test_after_a_new_epoch_servers_go_on_and_old_cursors_are_void(own_postgres: Shell) -> None:
    states = []
    for _ in range(2):
        with own_postgres.started("serve", "--port", "0", "--ws-port", "0", "--json") as server:
            server.line()
            until_folded(own_postgres)
            states.append(own_postgres.run("state", "demo", "--json").json)
            assert server.stop() == 0, server.err
        assert own_postgres.run("migrate", "--new-epoch", "--json").json == {"applied": [], "new_epoch": True}
    before, after = states
    assert after["digests"] == before["digests"]
    assert after["cursors"] != before["cursors"], "a cursor of the old life leads to a snapshot"


def until_folded(shell: Shell) -> None:
    """Wait until a projector has folded all there is; it may still be on its way into the log's epoch."""
    deadline = time.monotonic() + DEADLINE_S
    while (ran := shell.run("verify", "--json", expect=None)).code == 8 or ran.json["behind"]:
        assert time.monotonic() < deadline, ran


# --- doctor ---


def test_doctor_finds_a_running_server_well(served: Served) -> None:
    ports = [str(urlsplit(served.ready[url]).port) for url in ("http_url", "ws_url")]
    options = ("--port", ports[0], "--ws-port", ports[1])
    report = served.shell.run("doctor", *options, "--json").json
    verdicts = {finding["name"]: finding["verdict"] for finding in report["findings"]}
    assert report["healthy"] is True
    assert {verdicts[name] for name in (f"port {ports[0]}", f"port {ports[1]}", "database", "migrations")} == {"ok"}
    assert "serves HTTP there" in served.shell.run("doctor", *options).out


def test_doctor_says_what_fails_and_what_to_do(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        variables = {"SYNCD_DATABASE_URL": "postgresql://127.0.0.1:1/none", "SYNCD_PORT": port, "SYNCD_PROT": "1"}
        report = Shell(shell.folder, variables).run("doctor", "--json", expect=1).json
    findings = {finding["name"]: finding for finding in report["findings"]}
    assert report["healthy"] is False
    assert findings[f"port {port}"]["verdict"] == "fail"
    assert "SYNCD_PORT" in findings[f"port {port}"]["advice"]
    assert findings["database"]["verdict"] == "fail"
    assert findings["settings"]["verdict"] == "warn"


def test_doctor_leaves_a_folder_without_data_as_it_is(shell: Shell) -> None:
    report = shell.run("doctor", "--port", "0", "--ws-port", "0", "--json").json
    assert report["healthy"] is True
    assert not (shell.folder / "syncd-data").exists()
