"""The files of the pages, held in memory.

They are small, two hundred at most, and change with the program only, so a request touches no disk and can name nothing
but them. A page names its files below an address that changes with any of them (`/static/~<release>/…`): it never runs
with modules of two versions, and who comes again asks for the page alone. It also names all of its modules at once:
left to itself a browser finds out about one from the one that imports it, a round trip for each storey of the house.
Decision 23.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_IMPORT: Final = re.compile(r'\b(?:im|ex)port\b(?:[\w\s{},*$]*from)? *"(\.[^"]+)"')
_MODULE: Final = re.compile(r'<script type="module" src="/(static/[^"]+)">')
_CONFIRM: Final = "no-cache"
"""May be kept, and is asked about each time."""
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class WebFile:
    """`etag`: quoted, as HTTP has it. It is weak, since two forms are sent: the bytes, and the same gzipped."""

    body: bytes
    media_type: str
    etag: str

    def answer(self, request_headers: Headers, *, forever: bool = False, **headers: str) -> Response:
        """The file, or 304 when the caller holds this very one.

        Args:
            forever: whether what this address answers can never change.
            headers: further ones, `_` for `-`.
        """
        dressed = {"cache-control": _FOREVER if forever else _CONFIRM, "etag": self.etag, "vary": "accept-encoding"}
        dressed.update({name.replace("_", "-"): value for name, value in headers.items()})
        if _bare(self.etag) in {_bare(tag.strip()) for tag in request_headers.get("if-none-match", "").split(",")}:
            return Response(status_code=304, headers=dressed)
        if _takes_gzip(request_headers):
            dressed["content-encoding"] = "gzip"
            return Response(_gzipped(self.body), headers=dressed, media_type=self.media_type)
        return Response(self.body, headers=dressed, media_type=self.media_type)


def web_file(name: str, body: bytes) -> WebFile:
    """A file of a kind that we serve; its name says which."""
    return WebFile(body, _MEDIA_TYPES[name.rpartition(".")[2]], f'W/"{_digest(body)}"')


class WebFiles:
    """All files of `syncd/web`.

    Attributes:
        release: changes with any of them.
    """

    def __init__(self) -> None:
        self._bodies = dict(_read())
        self._files = {name: web_file(name, body) for name, body in self._bodies.items() if name.startswith("static/")}
        self.release = _digest("".join(f"{name} {file.etag}\n" for name, file in sorted(self._files.items())).encode())

    def static(self, path: str) -> tuple[WebFile, bool] | None:
        """What stands at a path below `/static/`, and whether it does for ever; nothing if there is no such file.

        The path may start with `~<release>/`. That of another release is answered with what is here now, since a page
        that was opened before an upgrade may still want a file.
        """
        release, _, rest = path.partition("/") if path.startswith("~") else ("", "", path)
        file = self._files.get(f"static/{rest}")
        return None if file is None else (file, release == f"~{self.release}")

    def named(self, name: str) -> WebFile:
        """A page of ours by its name, as `index.html`."""
        return self.page(self._bodies[name].decode())

    def page(self, text: str) -> WebFile:
        """A page of that text, whose files are this release's and whose modules are named in advance."""
        for entry in _MODULE.findall(text):
            links = "".join(f'<link rel="modulepreload" href="/{name}">\n' for name in sorted(self.modules(entry)))
            text = text.replace("</head>", f"{links}</head>")
        return web_file("page.html", text.replace('"/static/', f'"/static/~{self.release}/').encode())

    def modules(self, entry: str) -> frozenset[str]:
        """Names of all modules that one imports, and they, and so on."""
        found: set[str] = set()
        waiting = {entry}
        while waiting:
            name = waiting.pop()
            imported = {normpath(join(dirname(name), each)) for each in _IMPORT.findall(self._bodies[name].decode())}
            waiting |= imported - found
            found |= imported
        return frozenset(found - {entry})


def _read() -> Iterator[tuple[str, bytes]]:
    folders: list[tuple[str, Traversable]] = [("", files("syncd").joinpath("web"))]
    while folders:
        prefix, folder = folders.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                folders.append((f"{prefix}{entry.name}/", entry))
            elif entry.name.rpartition(".")[2] in _MEDIA_TYPES:
                yield prefix + entry.name, entry.read_bytes()


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:32]


@cache
def _gzipped(body: bytes) -> bytes:
    """Made when somebody asks first. There are only so many bodies: those of our files."""
    return compress(body, mtime=0)


def _bare(etag: str) -> str:
    return etag.removeprefix("W/")


def _takes_gzip(headers: Mapping[str, str]) -> bool:
    """Browsers list it without a weight; who gives it one has a reason to refuse it."""
    return "gzip" in {coding.strip().lower() for coding in headers.get("accept-encoding", "").split(",")}
