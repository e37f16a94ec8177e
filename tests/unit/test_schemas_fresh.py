"""What is checked in under schemas/ and docs/reference is what the types say today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from syncd.operations.schemas import generated, stale_schemas, write_schemas
from syncd.protocol.version import WIRE_VERSION, WIRE_VERSION_MIN

ROOT = Path(__file__).parents[2]


def test_checked_in_files_are_fresh() -> None:
    stale = stale_schemas(ROOT)
    assert not stale, (
        "Types and schemas differ: "
        + "; ".join(stale)
        + ". Run `syncd schemas` and look at the difference. Fields with defaults and new messages may be added within "
        "a version. Where a message or field changed its meaning or type, or is gone, raise WIRE_VERSION in "
        "syncd/protocol/version.py and add a row to its table; for events write an upcaster (syncd/model/upcast.py). "
        "If a vector's answer changed, devices that are out there merge otherwise than this server would."
    )


def test_versions_are_in_order() -> None:
    assert 1 <= WIRE_VERSION_MIN <= WIRE_VERSION
    version = json.loads((ROOT / "schemas" / "version.json").read_text())
    assert version["wire"] == WIRE_VERSION
    assert version["path"] == f"/v{WIRE_VERSION}/sync"


def test_the_version_file_knows_the_hash_of_every_other_file() -> None:
    version = json.loads((ROOT / "schemas" / "version.json").read_text())
    files = {path.relative_to(ROOT / "schemas").as_posix(): path for path in (ROOT / "schemas").rglob("*.json")}
    del files["version.json"]
    assert version["sha256"] == {name: sha256(path.read_bytes()).hexdigest() for name, path in sorted(files.items())}


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    first = write_schemas(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in first} == set(generated())
    assert write_schemas(tmp_path) == []
    assert stale_schemas(tmp_path) == []


def test_stale_files_are_named_and_mended(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    (tmp_path / "schemas" / "events.json").write_text("{}")
    (tmp_path / "schemas" / "vectors" / "join.json").unlink()
    (tmp_path / "schemas" / "vectors" / "gone.json").write_text("{}")
    assert stale_schemas(tmp_path) == [
        "schemas/events.json differs from the types",
        "schemas/vectors/join.json is missing",
        "schemas/vectors/gone.json is no longer made",
    ]
    assert [path.name for path in write_schemas(tmp_path)] == ["events.json", "join.json", "gone.json"]
    assert stale_schemas(tmp_path) == []
    assert not (tmp_path / "schemas" / "vectors" / "gone.json").exists()


def test_the_same_is_written_whatever_the_seed_of_hashes() -> None:
    script = (
        "import hashlib; from syncd.operations.schemas import generated;"
        "print(hashlib.sha256(repr(sorted(generated().items())).encode()).hexdigest())"
    )

    def digest(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert digest("1") == digest("2")
