"""Every line takes one road: the same fields in the same order, and no secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from syncd.logs import CUT, DEPTH_MAX, FIELDS, TEXT_CHARS_MAX, Seldom, configure_logs, get_logger

TOKEN = "syncd_" + "aB3-" * 11
Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> Written:
    """Sets logging up as JSON; returns what was written so far."""
    to = io.StringIO()
    configure_logs(form="json", level="info", to=to)
    return lambda: [json.loads(line) for line in to.getvalue().splitlines()]


def test_a_line_begins_with_when_how_bad_where_and_what(written: Written) -> None:
    get_logger("projector").info("lease_lost", beyond=1, code="fenced_out", partition=3, account_id="9f3c")
    (line,) = written()
    assert list(line) == ["time", "level", "room", "event", "account_id", "partition", "code", "beyond"]
    assert (line["level"], line["room"], line["event"]) == ("info", "projector", "lease_lost")
    assert line["time"].endswith("Z")


def test_shared_fields_stand_in_one_order_wherever_they_come_from(written: Written) -> None:
    get_logger("gateway").info("x", **dict.fromkeys(reversed(FIELDS), 1))
    assert list(written()[0])[4:] == list(FIELDS)


def test_libraries_take_the_same_road(written: Written) -> None:
    logging.getLogger("asyncio").warning("slow callback took %s s", 3)
    structlog.get_logger().info("from_structlog_itself", partition=1)
    library, own = written()
    assert (library["room"], library["event"]) == ("asyncio", "slow callback took 3 s")
    assert own["partition"] == 1


def test_libraries_that_speak_of_single_peers_are_quiet(written: Written) -> None:
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("websockets.server").warning("connection lost")
    assert written() == []


@pytest.mark.parametrize(
    "field",
    ["token", "device_token", "Authorization", "password", "db_passwd", "secret", "cookie", "api_key", "dsn"],
)
def test_a_field_named_like_a_secret_is_dropped(written: Written, field: str) -> None:
    get_logger("api").info("x", **{field: TOKEN}, nested={field: TOKEN, "kept": [{field: TOKEN}]})
    (line,) = written()
    assert field not in line
    assert line["nested"] == {"kept": [{}]}


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {CUT}"),
        ("http://host/#token=abc&x=1", f"http://host/#token={CUT}&x=1"),
        ('{"type":"hello","token":"abc","nonce":"n"}', f'{{"type":"hello","token":"{CUT}","nonce":"n"}}'),
        ("postgres://ada:pass:word@db:5432/syncd", f"postgres://ada:{CUT}@db:5432/syncd"),
        (f"got {TOKEN}, hm", f"got {CUT}, hm"),
        ("ws://host:8081/v1/sync and a@b", "ws://host:8081/v1/sync and a@b"),
    ],
)
def test_text_that_looks_like_a_secret_is_cut_out(written: Written, text: str, cut: str) -> None:
    get_logger("api").info(text, said=text, listed=[text])
    logging.getLogger("asyncio").error(text)
    own, foreign = written()
    assert (own["event"], own["said"], own["listed"]) == (cut, cut, [cut])
    assert foreign["event"] == cut


def test_a_secret_in_a_traceback_is_cut_out(written: Written) -> None:
    try:
        raise ValueError(f"bad token: {TOKEN}")
    except ValueError:
        get_logger("api").exception("bug")
        logging.getLogger("asyncio").error("task failed", exc_info=True)
    for line in written():
        assert "Traceback" in line["exception"]
        assert TOKEN not in json.dumps(line)


def test_a_peers_text_cannot_steer_a_terminal_or_begin_a_line_of_its_own() -> None:
    to = io.StringIO()
    configure_logs(form="text", to=to)
    get_logger("gateway").info("hello_refused", client="\x1b[2J\nfake line")
    assert "\x1b" not in to.getvalue()
    assert len(to.getvalue().splitlines()) == 1


def test_huge_deep_and_odd_values_become_text_of_bounded_length(written: Written) -> None:
    deep: Any = "x"
    for _ in range(DEPTH_MAX + 3):
        deep = [deep]
    get_logger("api").info("x", huge="a" * 10**6, deep=deep, big=2**80, odd="\ud800", thing=object, none=None, pi=3.5)
    (line,) = written()
    assert len(line["huge"]) < TEXT_CHARS_MAX + 50
    assert line["huge"].endswith(f"{10**6 - TEXT_CHARS_MAX} more")
    assert "'x'" in json.dumps(line["deep"])
    assert line["big"] == str(2**80)
    assert (line["none"], line["pi"]) == (None, 3.5)


def test_lines_below_the_level_are_not_written() -> None:
    to = io.StringIO()
    configure_logs(form="json", level="warning", to=to)
    get_logger("api").info("x")
    get_logger("api").warning("y")
    assert [json.loads(line)["event"] for line in to.getvalue().splitlines()] == ["y"]


def test_auto_is_json_where_nobody_watches() -> None:
    to = io.StringIO()
    configure_logs(form="auto", to=to)
    get_logger("api").info("x")
    assert json.loads(to.getvalue())["event"] == "x"


def test_setting_up_again_replaces_the_first() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logs(form="json", to=first)
    configure_logs(form="json", to=second)
    get_logger("api").info("x")
    assert first.getvalue() == ""
    assert second.getvalue() != ""


def test_a_trouble_that_goes_on_is_told_every_so_often() -> None:
    seldom = Seldom(every_s=10)
    assert [seldom.due("away", now_s=now_s) for now_s in (0, 1, 9.9, 10, 15, 20.5)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert seldom.due("another", now_s=15)
