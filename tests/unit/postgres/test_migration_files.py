"""Files of migrations: a name with a number, a way up and a way down."""

from __future__ import annotations

import pytest

from syncd.store.migrate import Migration, known_migrations, parse_migration


def test_a_file_is_its_two_directions() -> None:
    text = "-- Songs.\n\n-- migrate:up\n\ncreate table songs ();\n\n-- migrate:down\n\ndrop table songs;\n"
    assert parse_migration("0007_songs.sql", text) == Migration(
        "0007", "0007_songs.sql", "\ncreate table songs ();\n\n", "\ndrop table songs;\n"
    )


def test_our_own_files_run_in_the_order_of_their_numbers_whatever_holes_there_are() -> None:
    versions = [int(migration.version) for migration in known_migrations()]
    assert versions[0] == 1
    assert versions == sorted(set(versions))


@pytest.mark.parametrize(
    ("file_name", "text", "complaint"),
    [
        ("1_songs.sql", "-- migrate:up\n-- migrate:down\n", "named like"),
        ("0001-songs.sql", "-- migrate:up\n-- migrate:down\n", "named like"),
        ("0001_songs.sql", "create table songs ();", "must hold"),
        ("0001_songs.sql", "-- migrate:up\ncreate table songs ();", "must hold"),
    ],
)
def test_a_file_that_is_no_migration_is_named(file_name: str, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"{file_name}.*{complaint}"):
        parse_migration(file_name, text)
