"""The files of the page, and the documentation."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from posixpath import dirname, normpath
from typing import get_args

import pytest
from api_under_test import Api

from syncd.api.docs_page import docs_page
from syncd.api.web_files import read_web_files
from syncd.cli.app import app
from syncd.metrics import table
from syncd.model.events import EVENTS, SERVER_KINDS
from syncd.protocol import close_codes, messages


class Links(HTMLParser):
    """What a page loads and links to, its ids, and whatever a strict policy would block."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.blocked: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src"):
                self.targets.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name == "style" or name.startswith("on"):
                self.blocked.append(f"{tag} {name}")
        if tag == "style" or (tag == "script" and "src" not in dict(attributes)):
            self.blocked.append(tag)


@pytest.mark.parametrize("path", ["/", "/docs", "/nowhere"])
def test_pages_load_nothing_from_elsewhere_and_nothing_inline(api: Api, path: str) -> None:
    links = Links(api.get(path).text)
    assert links.targets
    assert not links.blocked
    for target in links.targets:
        assert re.match(r"/(?!/)|#", target), f"{target} leads elsewhere"


@pytest.mark.parametrize("path", ["/", "/docs", "/nowhere"])
def test_every_link_of_a_page_is_served(api: Api, path: str) -> None:
    links = Links(api.get(path).text)
    for target in links.targets:
        if target.startswith("#"):
            assert target[1:] in links.ids
        else:
            assert api.get(target).status_code == 200, target


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_an_id_stands_once_on_a_page(api: Api, path: str) -> None:
    ids = Links(api.get(path).text).ids
    assert len(ids) == len(set(ids))


def test_modules_import_only_modules_that_are_served() -> None:
    files = read_web_files()
    modules = {name: file.body.decode() for name, file in files.items() if name.endswith(".js")}
    assert "static/player/main.js" in modules
    for name, text in modules.items():
        for imported in re.findall(r'\b(?:im|ex)port\b(?:[\w\s{},*$]*from)? *"([^"]+)"', text):
            assert imported.startswith("."), f"{name} imports {imported}, which a browser finds nowhere"
            assert normpath(f"{dirname(name)}/{imported}") in modules, f"{name} imports {imported}"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/static/player/main.js", "text/javascript; charset=utf-8"),
        ("/static/player/layout.css", "text/css; charset=utf-8"),
        ("/static/icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_is_sent_once_and_then_only_confirmed(api: Api, path: str, media_type: str) -> None:
    first = api.get(path)
    assert first.headers["content-type"] == media_type
    for held in (first.headers["etag"], f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}'):
        again = api.get(path, {"if-none-match": held})
        assert again.status_code == 304
        assert again.content == b""
    assert api.get(path, {"if-none-match": '"other"'}).status_code == 200


def test_the_documentation_names_every_message_event_close_code_and_metric() -> None:
    text = docs_page()
    for message in get_args(messages.ClientMessage):
        assert f'id="from-device-{message.__struct_config__.tag}"' in text
    for message in get_args(messages.ServerMessage):
        assert f'id="from-gateway-{message.__struct_config__.tag}"' in text
    for kind in EVENTS.keys() - SERVER_KINDS:
        assert f'id="event-{kind}"' in text
    for row in close_codes.TABLE:
        assert f"<code>{row.code}</code>" in text
    for _, metric in table():
        assert f"<code>{metric.name}</code>" in text


def test_the_documentation_tells_how_long_lists_may_be_here() -> None:
    assert "<td><code>list_items_max</code></td><td>20,000</td>" in docs_page()
    assert "<td><code>list_items_max</code></td><td>30,000</td>" in docs_page(list_items_max=30_000)


def test_the_documentation_shows_types_as_json_has_them() -> None:
    text = docs_page()
    assert "<code>streams: [{stream: string, cursor?: string, last_seq?: integer}...]</code>" in text
    assert '<code>side: "L" | "R"</code>' in text
    assert "<code>cells: [[string, string, json]...]</code>" in text


def test_the_documentation_names_the_commands_that_there_are() -> None:
    section = docs_page().partition('aria-labelledby="commands"')[2].partition("</section>")[0]
    named = {word.removeprefix("syncd ").split()[0] for word in re.findall(r"<tr><td><code>(.*?)</code>", section)}
    there = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    there |= {group.name for group in app.registered_groups if group.name}
    assert named == there
