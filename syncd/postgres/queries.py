"""SQL statements, kept in files beside their adapters, each with a name and a description.

    -- name: ends
    -- The next offset of every partition: what polling asks for.
    select partition, offset_next from log_partitions;

A file may open with comment lines of its own. A statement without a description, or a name used twice, is an error when
the file is read, which happens once, at import.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

_HEADER = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\n", re.MULTILINE)
_STATEMENT = re.compile(r"((?:--.*\n)+)\s*([^;]+);\s*")


def load_queries(package: str, file_name: str) -> Mapping[str, str]:
    """The statements in `<package>/queries/<file_name>`, by name, without the final semicolon."""
    return parse_queries(files(package).joinpath("queries", file_name).read_text(encoding="utf-8"), file_name)


def parse_queries(text: str, file_name: str) -> Mapping[str, str]:
    """As `load_queries`, from a file's text.

    Raises:
        ValueError: something in the file is not a described statement; says which.
    """
    queries: dict[str, str] = {}
    parts = _HEADER.split(text)
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        found = _STATEMENT.fullmatch(body)
        if found is None:
            raise ValueError(f"{file_name}: {name!r} must be a description in comments, then one statement")
        if name in queries:
            raise ValueError(f"{file_name}: {name!r} is there twice")
        queries[name] = found[2].strip()
    if not queries:
        raise ValueError(f"{file_name} holds no `-- name:` line")
    return MappingProxyType(queries)
