"""The command `syncd` inside the test's process: the same outer wall and exit codes, without a second of starting."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from syncd.cli.run import run


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> Sequence[Any]:
        """One document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class InsideShell:
    """Runs commands with some variables set. Nobody sits there: it is no terminal, and questions are not asked."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str]
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._variables = variables

    def with_(self, **variables: str) -> InsideShell:
        """The same with other variables."""
        return InsideShell(self._monkeypatch, self._capsys, {**self._variables, **variables})

    def run(self, *arguments: str, expect: int = 0) -> Ran:
        """Run a command to its end; `expect` is its exit code. It must never show a traceback."""
        with self._monkeypatch.context() as patch:
            for name, value in self._variables.items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["syncd", *arguments])
            self._capsys.readouterr()
            code = run()
        said = self._capsys.readouterr()
        told = f"syncd {' '.join(arguments)} ended with {code}\n{said.out}\n{said.err}"
        assert "Traceback" not in said.err, told
        assert code == expect, told
        return Ran(code, said.out, said.err)

    def refused(self, *arguments: str, code: int) -> str:
        """Run a command that must fail so; the line it says."""
        ran = self.run(*arguments, expect=code)
        assert ran.out == ""
        return ran.err.removeprefix("syncd: ")
