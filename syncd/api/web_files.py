"""The files of the pages, held in memory.

They are small, two hundred at most, and change with the program only, so a request touches no disk and can name nothing
but them. Browsers ask each time and mostly hear "not modified": a page never runs with modules of two versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class WebFile:
    """`etag`: quoted, as HTTP has it."""

    body: bytes
    media_type: str
    etag: str

    def answer(self, request_headers: Headers, **headers: str) -> Response:
        """The file, or 304 when the caller holds this very one. Keywords are further headers, `_` for `-`."""
        dressed = {"cache-control": "no-cache", "etag": self.etag}
        dressed.update({name.replace("_", "-"): value for name, value in headers.items()})
        held = {tag.strip().removeprefix("W/") for tag in request_headers.get("if-none-match", "").split(",")}
        if self.etag in held:
            return Response(status_code=304, headers=dressed)
        return Response(self.body, headers=dressed, media_type=self.media_type)


def web_file(name: str, body: bytes) -> WebFile:
    """A file of a kind that we serve; its name says which."""
    return WebFile(body, _MEDIA_TYPES[name.rpartition(".")[2]], f'"{sha256(body).hexdigest()[:32]}"')


def read_web_files() -> Mapping[str, WebFile]:
    """All files of `syncd/web` by their path below it, as `index.html` and `static/player/main.js`."""
    found: dict[str, WebFile] = {}
    folders: list[tuple[str, Traversable]] = [("", files("syncd").joinpath("web"))]
    while folders:
        prefix, folder = folders.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                folders.append((f"{prefix}{entry.name}/", entry))
            elif entry.name.rpartition(".")[2] in _MEDIA_TYPES:
                found[prefix + entry.name] = web_file(entry.name, entry.read_bytes())
    return found
