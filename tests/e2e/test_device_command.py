"""`syncd device` as a device that a script drives: lines in, messages out, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

import pytest
from command import COMMAND, Shell

from syncd.testing.server_process import ServerProcess

DEADLINE_S = 120
LIKE = {"kind": "library.changed", "data": {"set": "tracks", "ids": ["t1"], "value": True}}
_names = (f"scripted-{os.getpid()}-{n}" for n in count())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder to stand in."""
    return Shell(tmp_path, {})


def device(server: ServerProcess, *options: str) -> list[str]:
    """The arguments that make a device of a fresh account."""
    (linked,) = asyncio.run(server.link(next(_names), "script"))
    return ["device", "--url", server.ws_url, "--token", linked.token, *options]


def without_its_own_linking(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was said, as when the projector had folded the device's linking before it came: a busy one leaves that event
    to a second part of the snapshot, or to the deltas after it."""
    return [
        message
        for message in messages
        if message.get("part", 0) == 0 and message.get("by", {}).get("kind") != "device.described"
    ]


def types(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in without_its_own_linking(messages)]


def until(said: IO[str], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first message that is wanted."""
    return next(message for message in (json.loads(line) for line in said) if wanted(message))


def lines(*events: dict[str, Any]) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


@contextmanager
def running(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The command, with its stdin still open."""
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("format_", ["json", "msgpack"])
def test_events_go_in_and_every_message_comes_out_as_the_server_said_it(
    server: ServerProcess, shell: Shell, format_: str
) -> None:
    said = without_its_own_linking(shell.run(*device(server, "--format", format_), stdin=lines(LIKE)).lines)
    assert types(said) == ["welcome", "snapshot", "ack"]
    assert said[2]["stream"] == f"a:{said[0]['account']}"
    assert (said[2]["writer"], said[2]["seq"]) == (said[0]["writer"], 1)


def test_a_store_remembers_where_it_was_and_what_it_could_not_send(server: ServerProcess, shell: Shell) -> None:
    arguments = device(server, "--store", "script.db")
    nowhere = [*arguments[:2], "ws://127.0.0.1:9/v1/sync", *arguments[3:], "--timeout", "0.5"]
    failed = shell.run(*nowhere, stdin=lines(LIKE), expect=6)
    assert failed.err.startswith("syncd: the device is not in step with the server after 0.5 s")
    assert types(shell.run(*arguments).lines) == ["welcome", "snapshot", "ack"]
    again = shell.run(*arguments, stdin=lines({"kind": "settings.changed", "data": {"a": 1}})).lines
    assert (again[0]["streams"][0]["resume"], again[-1]["seq"]) == ("tail", 2)


def test_lines_that_are_no_events_are_named_and_the_others_are_sent(server: ServerProcess, shell: Shell) -> None:
    wrong = [
        "not json",
        '{"kind": "library.changed"}',
        '{"kind": "library.changed", "data": {}, "more": 1}',
        '{"kind": "library.changed", "data": {"set": "tracks", "ids": [], "value": true}}',
        '{"kind": "settings.changed", "data": {"a": 1}, "stream": "p:short"}',
    ]
    ran = shell.run(*device(server), stdin="\n".join([*wrong, "", json.dumps(LIKE)]), expect=4)
    told = ran.err.splitlines()
    assert [line.partition(":")[2].split()[:2] for line in told[:-1]] == [["line", f"{n}"] for n in ("1", "2", "3")] + [
        ["line", "4:"], ["line", "5:"],
    ]  # fmt: skip
    assert told[-1] == "syncd: 5 of the events were refused; what they were is told above"
    assert [message["type"] for message in ran.lines][-1] == "ack"


def test_what_the_server_refuses_is_told(server: ServerProcess, shell: Shell) -> None:
    nobodys = {"kind": "device.revoked", "data": {"device": "d"}}
    ran = shell.run(*device(server), stdin=lines(nobodys), expect=4)
    assert "device.revoked was refused as forbidden: device.revoked is written by the server only" in ran.err
    assert ran.lines[-1]["type"] == "nack"


def test_ctrl_c_ends_it_quietly_while_it_waits_for_input(server: ServerProcess) -> None:
    with running(device(server)) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "welcome"
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_reader_that_leaves_ends_it_quietly_while_it_waits_for_input(server: ServerProcess) -> None:
    with running(device(server)) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert json.loads(process.stdout.readline())["type"] == "welcome"
        process.stdout.close()
        process.stdin.write(lines(LIKE))
        process.stdin.flush()
        assert process.wait(DEADLINE_S) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_with_follow_it_stays_and_shows_what_others_do(server: ServerProcess, shell: Shell) -> None:
    phone, laptop = asyncio.run(server.link(next(_names), "phone", "laptop"))
    arguments = ["device", "--url", server.ws_url]
    with running([*arguments, "--token", phone.token, "--follow"]) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        until(process.stdout, lambda message: message["type"] == "snapshot" and message["last"])
        shell.run(*arguments, "--token", laptop.token, stdin=lines(LIKE))
        delta = until(process.stdout, lambda message: message.get("by", {}).get("kind") == "library.changed")
        assert delta["cells"][0][0] == "library/tracks/t1"
        process.stdin = None
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 130


def test_a_token_that_nobody_knows_is_told(server: ServerProcess, shell: Shell) -> None:
    ran = shell.run("device", "--url", server.ws_url, "--token", "nobody", expect=7)
    assert ran.err == "syncd: no device has this token\n"
