"""Sockets and locks are made in private places only, and never through somebody else's links."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from embedded_folders import assert_works, socket_folder

from syncd.store.embedded import EmbeddedPostgresError, join

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def test_link_in_place_of_the_socket_folder_is_refused(data_dir: Path, folder: Path) -> None:
    sockets = socket_folder(assert_works(data_dir))
    (folder / "elsewhere").mkdir(mode=0o700)
    (folder / "elsewhere/precious").touch()
    sockets.symlink_to(folder / "elsewhere")
    try:
        with pytest.raises(EmbeddedPostgresError, match=f"{sockets} must be a private folder"):
            asyncio.run(join(data_dir))
    finally:
        sockets.unlink()
    assert (folder / "elsewhere/precious").exists()


def test_socket_folder_that_others_can_enter_is_refused(data_dir: Path) -> None:
    sockets = socket_folder(assert_works(data_dir))
    sockets.mkdir()
    sockets.chmod(0o755)
    try:
        with pytest.raises(EmbeddedPostgresError, match=rf"{sockets} belongs to uid \d+ with mode 0755"):
            asyncio.run(join(data_dir))
    finally:
        sockets.rmdir()


@needs_root
def test_socket_folder_of_somebody_else_is_refused(data_dir: Path) -> None:
    sockets = socket_folder(assert_works(data_dir))
    sockets.mkdir(mode=0o700)
    os.chown(sockets, 12345, 12345)
    try:
        with pytest.raises(EmbeddedPostgresError, match=f"{sockets} belongs to uid 12345"):
            asyncio.run(join(data_dir))
    finally:
        sockets.rmdir()


def test_link_in_place_of_the_lock_is_refused(data_dir: Path, folder: Path) -> None:
    (folder / "precious").write_text("kept")
    (data_dir / "postgres.lock").symlink_to(folder / "precious")
    with pytest.raises(EmbeddedPostgresError, match=r"postgres\.lock cannot be opened"):
        asyncio.run(join(data_dir))
    assert (folder / "precious").read_text() == "kept"
