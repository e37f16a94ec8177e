"""What commands write, where a person looks and where a program reads."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncd.cli import output
from syncd.cli.progress import progress


@dataclass(frozen=True)
class Shown:
    name: str
    folder: Path


class Gone(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


def test_columns_are_aligned_and_long_ones_cut_but_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 100
    output.table(("A", "LONGER", "LAST"), [("1", long, long), ("22", "b", "c")])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head == f"A   LONGER{' ' * 54}  LAST"
    assert first == f"1   {'x' * 59}…  {long}"
    assert second == f"22  b{' ' * 59}  c"


def test_a_table_without_rows_is_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("A", "B"), [])
    assert capsys.readouterr().out == "A  B\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna's 👩‍👧 café", "Anna's 👩‍👧 café"),
        ("\x1b[2J\x9b31m\r\n\0", "\\u001b[2J\\u009b31m\\u000d\\u000a\\u0000"),
        ("a\u202eb", "a\\u202eb"),
    ],
)
def test_text_of_others_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert output.visible(text) == shown


def test_results_go_to_stdout_and_notes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output.result("result", style="bold red")
    output.note("note")
    assert capsys.readouterr() == ("result\n", "note\n")


def test_json_is_one_line_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    output.result_json({"rows": [Shown("a\nb", Path("/data"))]})
    assert capsys.readouterr().out == '{"rows":[{"name":"a\\nb","folder":"/data"}]}\n'


def test_a_reader_that_has_left_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(output.ReaderGone):
        output.result("x")
    with pytest.raises(output.ReaderGone):
        output.flush()


def test_progress_writes_a_line_now_and_then_where_nobody_looks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 1.0, 5.0, 5.0, 6.0])
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    with progress("comparing", unit="streams") as advance:
        for done in (1, 2, 3):
            advance(done, 3)
    assert capsys.readouterr() == ("", "comparing: 2 of 3 streams\n")
