"""Every line that the program writes about itself: an event of the house, with fields of the table and no others.

What is checked are the calls in the source, so a line that is written once a year is checked as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.logs import DROPPED, FIELDS

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "syncd").rglob("*.py"))
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
STEERS = {"exc_info"}
"""Arguments that are no fields."""
OTHER_LOGGERS = {
    "syncd/logs.py": "it is the road itself",
    "syncd/gateway/gateway.py": "hands the websockets library a logger that says nothing",
    "syncd/store/embedded/supervisor.py": "a process of its own, which writes into the log of its Postgres",
}
"""Who uses standard logging, and why."""


def complaints(source: str) -> Iterator[str]:
    """What is wrong with the log calls of a module."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in LEVELS:
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id not in ("log", "_log"):
            continue
        words = [word.value for word in node.args if isinstance(word, ast.Constant)]
        if len(node.args) != 1 or len(words) != 1 or not re.fullmatch(r"[a-z]+(_[a-z]+)*", str(words[0])):
            yield f"line {node.lineno}: the event is one short name in lower case, facts are fields"
        for keyword in node.keywords:
            if keyword.arg not in FIELDS and keyword.arg not in STEERS:
                yield f"line {node.lineno}: {keyword.arg} is no field of syncd.logs.FIELDS; use one, or add it there"


def test_every_line_is_an_event_with_fields_of_the_table() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {complaint}"
        for path in SOURCES
        if str(path.relative_to(ROOT)) not in OTHER_LOGGERS
        for complaint in complaints(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("log.info('lease_lost', partition=1, code=error.code)", None),
        ("log.error('bug', path=path, exc_info=error)", None),
        ("log.info('played', title=title)", "title is no field"),
        ("log.info('lease_lost', **facts)", "None is no field"),
        ("log.info('lost %s', topic)", "facts are fields"),
        ("log.info(f'lost {topic}')", "facts are fields"),
        ("_log.warning('Lease lost')", "short name"),
    ],
)
def test_the_check_has_teeth(call: str, said: str | None) -> None:
    found = list(complaints(call))
    assert (not found) if said is None else (said in found[0])


def test_everybody_takes_the_one_road() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"\blogging\.(getLogger|basicConfig)\(", path.read_text(encoding="utf-8"))
    }
    assert users == set(OTHER_LOGGERS), "use syncd.logs.get_logger, or say here why not"


def test_no_field_is_named_like_a_secret_or_tells_what_somebody_listens_to() -> None:
    for name in FIELDS:
        assert not DROPPED.search(name), name
        assert not re.search(r"title|track|artist|album|query|text|value|data", name), name
