"""Everything about syncd that another program is made from, written out of the types: `syncd schemas`.

    schemas/events.json         JSON Schema of every event
    schemas/messages.json       JSON Schema of every message
    schemas/asyncapi.json       AsyncAPI 3.0: who says what, and what answers
    schemas/close_codes.json    why a socket closed, and what the client does next
    schemas/errors.json         durable codes of errors
    schemas/vectors/*.json      cases that every SDK must answer alike
    schemas/version.json        versions, and a hash of each of the above
    docs/reference/*.md         the same for people

All are checked in. The output depends on nothing but this package: no clock, no randomness, no order of dicts.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from syncd.model.upcast import SCHEMA_VERSION
from syncd.operations.schemas import documents, pages
from syncd.operations.schemas.asyncapi import asyncapi
from syncd.operations.schemas.documents import Document
from syncd.operations.schemas.vectors import VECTORS
from syncd.operations.schemas.vectors.case import Vectors
from syncd.protocol.version import PATH, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK, WIRE_VERSION, WIRE_VERSION_MIN


def write_schemas(folder: Path) -> list[Path]:
    """Write all files below a folder, which is the root of a checkout where they are to be checked in.

    Files that are as they should be are not touched; files of vectors that there are no longer are removed.

    Returns:
        Those that were written or removed.
    """
    expected = generated()
    changed = [folder / name for name in _differing(folder, expected)]
    for path in changed:
        text = expected.get(path.relative_to(folder).as_posix())
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return changed


def stale_schemas(folder: Path) -> list[str]:
    """What `write_schemas` would change, one sentence a file; nothing when all are fresh."""
    return [f"{name} {why}" for name, why in _differing(folder, generated()).items()]


def generated() -> dict[str, str]:
    """Every file: its path below the root of a checkout, with slashes -> its text."""
    schemas = {
        "events.json": _document(documents.events()),
        "messages.json": _document(documents.messages()),
        "asyncapi.json": _document(asyncapi()),
        "close_codes.json": _document(documents.close_codes()),
        "errors.json": _document(documents.error_codes()),
        **{f"vectors/{name}.json": _vectors(make()) for name, make in VECTORS.items()},
    }
    schemas["version.json"] = _document(_version(schemas))
    reference = {
        "protocol.md": pages.protocol_page(),
        "events.md": pages.events_page(),
        "close-codes.md": pages.close_codes_page(),
        "errors.md": pages.errors_page(),
    }
    return {
        **{f"schemas/{name}": text for name, text in schemas.items()},
        **{f"docs/reference/{name}": text for name, text in reference.items()},
    }


def _differing(folder: Path, expected: dict[str, str]) -> dict[str, str]:
    """Path below the folder -> what is wrong with it."""
    wrong = {}
    for name, text in expected.items():
        path = folder / name
        if not path.exists():
            wrong[name] = "is missing"
        elif path.read_text(encoding="utf-8") != text:
            wrong[name] = "differs from the types"
    for path in sorted((folder / "schemas" / "vectors").glob("*.json")):
        name = path.relative_to(folder).as_posix()
        if name not in expected:
            wrong[name] = "is no longer made"
    return wrong


def _version(schemas: dict[str, str]) -> Document:
    return {
        "wire": WIRE_VERSION,
        "wire_min": WIRE_VERSION_MIN,
        "events": SCHEMA_VERSION,
        "path": PATH,
        "subprotocols": [SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK],
        "sha256": {name: sha256(text.encode()).hexdigest() for name, text in sorted(schemas.items())},
    }


def _document(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _vectors(vectors: Vectors) -> str:
    """One case a line, in ASCII: what differs shows, and no editor changes it."""
    cases = [json.dumps(case._asdict(), sort_keys=True) for case in vectors.cases]
    about = json.dumps(vectors.about)
    return f'{{"about": {about}, "cases": [\n' + ",\n".join(cases) + "\n]}\n"
