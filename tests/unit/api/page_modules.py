"""The page's JavaScript modules, run by node and asked from Python."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import syncd
from syncd.model.cells import Cell

MODULES = Path(syncd.__file__).parent / "web" / "static"
DRIVER = Path(__file__).with_name("page_driver.mjs")


class PageModules:
    """One node process. Every question is answered by one function of `page_driver.mjs`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, ask: str, **given: object) -> Any:
        """The answer of a module. What throws there, fails here."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"ask": ask, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "node ended; its words are above"
        told = json.loads(line)
        assert "error" not in told, told["error"]
        return told.get("answer")


@contextmanager
def page_modules() -> Iterator[PageModules]:
    """Start node for as long as the block lasts.

    Raises:
        FileNotFoundError: there is no node on this machine.
    """
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("no `node` on this machine; the page's modules are examined where there is one")
    with subprocess.Popen(
        [node, str(DRIVER), str(MODULES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        try:
            yield PageModules(process)
        finally:
            process.stdin.close()
            process.wait(timeout=10)


def rows(cells: Mapping[str, Cell]) -> list[list[Any]]:
    """Cells as the wire writes them."""
    return [[key, cell.rank, cell.value] for key, cell in cells.items()]
