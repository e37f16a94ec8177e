"""Which data folders the embedded Postgres works on, which it refuses, and that its surroundings change nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest
from embedded_folders import assert_works, copy_cluster
from embedded_members import DEADLINE_S, fetch
from embedded_processes import postmaster_of

from syncd.store.embedded import EmbeddedPostgresError, join
from syncd.store.embedded.binaries import find_binaries
from syncd.store.embedded.identity import choose_identity
from syncd.store.embedded.socket_folder import SOCKET_PATH_BYTES_MAX
from syncd.testing.patience import until

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


def test_creation_that_was_interrupted_is_done_again(folder: Path) -> None:
    data_dir = folder / "data"
    (data_dir / "postgres.making/base").mkdir(parents=True)
    (data_dir / "postgres.making/PG_VERSION").write_text("18\n")

    async def story() -> None:
        member = await join(data_dir)
        assert await fetch(member, "select 1") == 1
        await member.close()

    asyncio.run(story())
    assert not (data_dir / "postgres.making").exists()


def test_folder_that_is_not_postgres_is_left_alone(data_dir: Path) -> None:
    (data_dir / "postgres/PG_VERSION").unlink()
    with pytest.raises(EmbeddedPostgresError, match="not a Postgres folder"):
        asyncio.run(join(data_dir))
    assert (data_dir / "postgres/base").is_dir()


def test_data_of_another_major_version_are_refused_naming_both(data_dir: Path) -> None:
    (data_dir / "postgres/PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=rf"made by Postgres 15,.* Postgres {find_binaries().version}"):
        asyncio.run(join(data_dir))


def test_postgres_that_a_person_started_is_respected(data_dir: Path) -> None:
    """Its pid file is the one that must not be taken for a leftover: two servers would ruin the data."""
    postgres = find_binaries().program("postgres")
    identity = choose_identity(data_dir / "postgres", postgres=postgres)
    by_hand = subprocess.Popen(
        identity.command(postgres, "-D", data_dir / "postgres", "-c", "listen_addresses=", "-k", "/tmp", "-p", "54329"),
        stderr=subprocess.DEVNULL,
    )
    try:
        asyncio.run(until(lambda: postmaster_of(data_dir) == by_hand.pid, "it did not start"))
        with pytest.raises(EmbeddedPostgresError, match=rf"did not start runs on .*process {by_hand.pid}\b"):
            asyncio.run(join(data_dir))
        assert by_hand.poll() is None
    finally:
        by_hand.send_signal(signal.SIGINT)
        by_hand.wait(DEADLINE_S)


def test_data_folder_deeper_than_a_socket_path_works(template: Path, folder: Path) -> None:
    data_dir = folder / ("ü" * 60) / ("long " * 20) / "data"
    copy_cluster(template, data_dir)
    assert len(os.fsencode(data_dir)) > SOCKET_PATH_BYTES_MAX
    assert_works(data_dir)


def test_temporary_folder_with_a_long_path_is_passed_over(
    data_dir: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = folder / ("t" * 100)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    assert_works(data_dir)


def test_settings_of_the_persons_environment_change_nothing(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGPORT": "1", "PGDATA": "/nowhere", "PGCLIENTENCODING": "Klingon", "LC_ALL": "tlh_KX", "TZ": "Asia/Tokyo",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    async def story() -> None:
        member = await join(data_dir)
        monkeypatch.setenv("PGSSLMODE", "require")
        assert await fetch(member, "show timezone") == "UTC"
        await member.close()

    asyncio.run(story())


@pytest.mark.skipif(not DEBIAN_15.is_dir(), reason=f"no Postgres 15 in {DEBIAN_15}")
def test_same_supervisor_runs_postgres_15(folder: Path) -> None:
    data_dir = folder / "data"

    async def story() -> None:
        member = await join(data_dir, binaries=DEBIAN_15)
        assert member.version.startswith("15.")
        assert (await fetch(member, "show server_version")).startswith(member.version)
        assert await fetch(member, "show data_checksums") == "on"
        assert await fetch(member, "show wal_segment_size") == "2MB"
        await member.close(wait_stopped=True)
        with pytest.raises(EmbeddedPostgresError, match=rf"made by Postgres 15,.* Postgres {find_binaries().version}"):
            await join(data_dir)

    asyncio.run(story())
