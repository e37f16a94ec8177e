"""The name of a log's life in Postgres: another cluster, another timeline or another marker is another life."""

from __future__ import annotations

import re
from uuid import UUID

from syncd.log.postgres.life import epoch_name

MARKER = UUID("00000000-0000-4000-8000-000000000001")


def test_the_name_follows_from_what_it_names() -> None:
    assert epoch_name(7_711_252_175_360_274_865, "00000001", MARKER) == "hyk4r14zkmfq"


def test_each_part_makes_another_name() -> None:
    lives = [
        epoch_name(1, "00000001", MARKER),
        epoch_name(2, "00000001", MARKER),
        epoch_name(1, "00000002", MARKER),
        epoch_name(1, "00000001", UUID(int=MARKER.int + 1)),
    ]
    assert len(set(lives)) == len(lives)
    assert all(re.fullmatch(r"[0-9a-z]{1,16}", life) for life in lives)
