"""SQL in files: each statement has a name and a description, and whoever forgets one learns it at import."""

from __future__ import annotations

import pytest

from syncd.postgres.queries import load_queries, parse_queries

FILE = """-- What the file is about.

-- name: ends
-- The next offset of every partition,
-- in two lines of description.
select partition, offset_next
from log_partitions;

-- name: start
-- The oldest.
select offset_start from log_partitions where partition = $1;
"""


def test_statements_are_found_by_name_without_their_semicolon() -> None:
    assert parse_queries(FILE, "log.sql") == {
        "ends": "select partition, offset_next\nfrom log_partitions",
        "start": "select offset_start from log_partitions where partition = $1",
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: ends\nselect 1;\n", "'ends' must be a description"),
        ("-- name: ends\n-- The ends.\n", "'ends' must be a description"),
        ("-- name: ends\n-- The ends.\nselect 1\n", "'ends' must be a description"),
        ("-- name: ends\n-- The ends.\nselect 1; select 2;\n", "'ends' must be a description"),
        ("-- name: ends\n-- The ends.\nselect 1;\n" * 2, "'ends' is there twice"),
        ("select 1;", "holds no"),
    ],
    ids=["no description", "no statement", "no end", "two statements", "name twice", "no name"],
)
def test_a_file_that_says_it_otherwise_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"log.sql.*{complaint}"):
        parse_queries(text, "log.sql")


def test_the_files_of_the_adapters_can_be_read() -> None:
    assert "append_one" in load_queries("syncd.log", "log.sql")
    for file_name in ("projection.sql", "reading.sql", "registry.sql", "side_channel.sql"):
        assert load_queries("syncd.store", file_name)
