"""The local store: nothing lost, no number twice, whatever ends the process."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from syncd.client import store as store_module
from syncd.client.errors import StoreBusy
from syncd.client.store import LocalStore
from syncd.client.store_rows import Header, OutboxRows, Unsaved
from syncd.errors import ConfigError
from syncd.model.cells import Cell
from syncd.model.events import LibraryChanged
from syncd.model.restamp import Pending

MINT_FOR_EVER = """
import sys
from syncd.client.store import LocalStore
from test_local_store import draft

store = LocalStore(sys.argv[1])
while True:
    n, event = store.mint(draft(), generation=0, tick=lambda t: t + 1, sent=False)
    print(event.seq, flush=True)
"""


def draft(stream: str = "a:me", track: str = "t") -> Pending:
    """An event to be minted."""
    data = LibraryChanged("tracks", [track], True)
    return Pending(stream=stream, seq=0, t=0, kind="library.changed", data=data, sent=False, seen_t=0, wall_ms=0,
                   monotonic_ms=0, boot="b")  # fmt: skip


def mint(store: LocalStore, stream: str = "a:me", *, generation: int = 0, sent: bool = False) -> Pending:
    """A minted event."""
    minted = store.mint(draft(stream), generation=generation, tick=lambda t: t + 1, sent=sent)
    assert minted is not None
    return minted[1]


def test_seqs_count_from_1_on_each_stream_and_times_rise_over_all(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "s.db"))
    minted = [mint(store, stream) for stream in ("a:me", "p:0123456789abcdef", "a:me", "a:me")]
    assert [event.seq for event in minted] == [1, 1, 2, 3]
    assert [event.t for event in minted] == [1, 2, 3, 4]


def test_a_store_opened_again_holds_what_was_in_it(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    store = LocalStore(path)
    event = mint(store, sent=True)
    cells = {"settings/theme": Cell("r", {"dark": True})}
    unsaved = Unsaved(cells={"a:me": cells}, cursors={"a:me": "c7"})
    store.save(unsaved, seen_t=40, sent_t=0, wall_offset_ms=-5)
    before = store.load()
    store.close()
    contents = LocalStore(path).load()
    assert contents == before
    assert contents.outbox == [(1, event)]
    assert contents.cells == {"a:me": cells}
    assert contents.streams["a:me"].cursor == "c7"
    assert (contents.header.seen_t, contents.header.sent_t, contents.header.wall_offset_ms) == (40, event.t, -5)


def test_a_killed_process_leaves_every_event_it_told_of_and_no_hole(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", MINT_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(200)]
        process.kill()
        told += [int(line) for line in process.stdout.read().splitlines()]
    contents = LocalStore(str(path)).load()
    seqs = [event.seq for _, event in contents.outbox]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= told[-1]
    assert contents.streams["a:me"].last_seq == len(seqs)


def test_two_that_mint_at_once_never_mint_one_number_twice(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    LocalStore(path).close()
    seqs: list[int] = []

    def work() -> None:
        store = LocalStore(path)
        seqs.extend(mint(store).seq for _ in range(100))
        store.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(seqs) == list(range(1, 201))


def test_what_another_process_mints_is_noticed(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    ours, theirs = LocalStore(path), LocalStore(path)
    mint(ours)
    assert not ours.changed_elsewhere()
    event = mint(theirs)
    assert ours.changed_elsewhere()
    assert not ours.changed_elsewhere()
    assert ours.minted_after(1) == [(2, event)]


def test_an_event_with_names_of_an_earlier_generation_is_not_minted(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "s.db"))
    assert store.mint(draft(), generation=1, tick=lambda t: t + 1, sent=False) is None
    assert store.load().outbox == []
    assert store.load().streams == {}


def test_a_save_that_fails_halfway_saves_nothing(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "s.db"))
    mint(store)
    no_json: Any = object()
    cells = {"a:me": {"a": Cell("r", 1), "b": Cell("r", no_json)}}
    unsaved = Unsaved(cells=cells, cursors={"a:me": "c2"}, answered=[1])
    with pytest.raises(TypeError):
        store.save(unsaved, seen_t=0, sent_t=0, wall_offset_ms=0)
    contents = store.load()
    assert contents.cells == {}
    assert contents.streams["a:me"].cursor is None
    assert len(contents.outbox) == 1


def test_a_snapshot_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "s.db"))
    old = Unsaved(cells={"a:me": {"gone": Cell("r", 1)}, "p:x": {"stays": Cell("r", 1)}})
    store.save(old, seen_t=0, sent_t=0, wall_offset_ms=0)
    new = Unsaved(cells={"a:me": {"here": Cell("r", 2)}}, replaced={"a:me"}, cursors={"a:me": "c"})
    store.save(new, seen_t=0, sent_t=0, wall_offset_ms=0)
    assert store.load().cells == {"a:me": {"here": Cell("r", 2)}, "p:x": {"stays": Cell("r", 1)}}


def test_a_new_writer_begins_to_count_anew_on_every_stream(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "s.db"))
    for stream in ("a:me", "a:me", "p:0123456789abcdef"):
        mint(store, stream)

    def rename(header: Header, outbox: OutboxRows) -> OutboxRows:
        header.writer = "fresh00000"
        return []

    contents = store.rename(rename)
    assert {row.last_seq for row in contents.streams.values()} == {0}
    assert contents.header.generation == 1
    assert mint(store, generation=1).seq == 1


def test_a_store_that_another_process_holds_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BUSY_TIMEOUT_S", 0.05)
    path = str(tmp_path / "s.db")
    store = LocalStore(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreBusy, match=r"s\.db: database is locked"):
        mint(store)
    other.execute("rollback")
    other.close()
    assert mint(store).seq == 1


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path / "s.db"))
    store.close()
    with pytest.raises(StoreBusy, match="closed"):
        mint(store)


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    LocalStore(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("shopping list\n" * 100)
    with pytest.raises(ConfigError, match=r"notes\.txt is not a store of syncd"):
        LocalStore(str(path))
    assert path.read_text().startswith("shopping list")


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "other.db")
    other = sqlite3.connect(path)
    other.execute("create table photos (x)")
    other.close()
    with pytest.raises(ConfigError, match="a database of something else"):
        LocalStore(path)


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    LocalStore(path).close()
    later = sqlite3.connect(path)
    later.execute("pragma user_version = 9")
    later.close()
    with pytest.raises(ConfigError, match="has format 9; this program reads up to 1"):
        LocalStore(path)


def test_a_store_in_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        LocalStore(str(tmp_path / "nowhere" / "s.db"))


def test_every_store_has_a_nonce_and_a_writer_of_its_own() -> None:
    headers = [LocalStore(None).load().header for _ in range(3)]
    assert len({header.nonce for header in headers}) == 3
    assert len({header.writer for header in headers}) == 3
    assert all(len(header.nonce) == 16 and len(header.writer) == 10 for header in headers)
