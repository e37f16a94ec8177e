"""The files of the page, and the documentation."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import get_args

import pytest
from api_under_test import Api

from syncd.api.docs_page import docs_page
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
    pages = files("syncd").joinpath("web", "static")
    modules = {path.relative_to(str(pages)).as_posix() for path in Path(str(pages)).rglob("*.js")}
    assert "player/main.js" in modules
    for name in modules:
        text = pages.joinpath(name).read_text("utf-8")
        for imported in re.findall(r'\b(?:im|ex)port\b(?:[\w\s{},*$]*from)? *"([^"]+)"', text):
            assert imported.startswith("."), f"{name} imports {imported}, which a browser finds nowhere"
            assert normpath(join(dirname(name), imported)) in modules, f"{name} imports {imported}"


def test_a_page_names_all_its_modules_in_advance(api: Api) -> None:
    page = api.get("/").text
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
    (entry,) = re.findall(r'<script type="module" src="([^"]+)">', page)
    assert len(preloaded) == len(set(preloaded)) > 50
    waiting, asked = [entry], {entry}
    while waiting:
        path = waiting.pop()
        imports = re.findall(r'\b(?:im|ex)port\b(?:[\w\s{},*$]*from)? *"([^"]+)"', api.get(path).text)
        for imported in (normpath(join(dirname(path), each)) for each in imports):
            if imported not in asked:
                asked.add(imported)
                waiting.append(imported)
    assert asked == {entry, *preloaded}


def test_what_a_page_loads_may_be_kept_for_ever_and_the_page_itself_not(api: Api) -> None:
    for path in ("/", "/docs", "/nowhere"):
        page = api.get(path)
        assert page.headers["cache-control"] in ("no-cache", "no-store")
        for target in Links(page.text).targets:
            if target.startswith("/static/~"):
                assert api.get(target).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert api.get("/static/player/main.js").headers["cache-control"] == "no-cache"


def test_an_old_page_gets_todays_file_and_may_not_keep_it(api: Api) -> None:
    old = api.get("/static/~of-last-week/player/main.js")
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")
    assert old.content == api.get("/static/player/main.js").content
    for path in ("/static/~", "/static/~of-last-week", "/static/~/nothing.js", "/static/~a/~b/player/main.js"):
        assert api.get(path).status_code == 404


def test_files_travel_gzipped_to_those_who_take_that(api: Api) -> None:
    path = "/static/vendor/uplot.js"
    plain = api.get(path, {"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for accepted in ("gzip, deflate, br", "br,gzip"):
        small = api.get(path, {"accept-encoding": accepted})
        assert small.headers["content-encoding"] == "gzip"
        assert int(small.headers["content-length"]) < len(plain.content) / 2
        assert (small.content, small.headers["etag"]) == (plain.content, plain.headers["etag"])
        assert small.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in api.get(path, {"accept-encoding": "gzip;q=0"}).headers


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
    etag = first.headers["etag"]
    for held in (etag, etag.removeprefix("W/"), f'"other", {etag}'):
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
