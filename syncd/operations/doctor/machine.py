"""The program, its settings, the data folder, the disk and the ports."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

import syncd
from syncd import compiled
from syncd.config import Config, Resolved, nearest_variable
from syncd.operations.doctor.finding import Finding, fail, ok, warn
from syncd.protocol.version import PATH

PYTHON_MIN: Final = (3, 11)
PACKAGES_MIN: Final = {"orjson": (3, 11, 6), "msgspec": (0, 19), "websockets": (15, 0), "asyncpg": (0, 30)}
"""Below its version orjson crashes the process on deep input; the others are the oldest we are tested with."""
DISK_FREE_WARN_BYTES: Final = 2 * 1024**3
"""Two of Postgres' default `max_wal_size`: a busy day still passes."""
DISK_FREE_FAIL_BYTES: Final = 200 * 1024**2
"""A fresh cluster takes 50 MB and Postgres' log grows by segments of 16 MB; below this it soon stops."""
CONNECT_TIMEOUT_S: Final = 2.0
ANSWER_BYTES_MAX: Final = 64 * 1024


def python() -> Finding:
    text = f"{sys.version.split()[0]}, syncd {syncd.__version__}"
    if sys.version_info < PYTHON_MIN:
        return fail("python", text, f"install Python {'.'.join(map(str, PYTHON_MIN))} or newer")
    return ok("python", text)


def compiled_build() -> Finding:
    """The sources do the same, only slower: a build that is missing, or stale, is no failure."""
    if compiled.STATE == "stale":
        return warn("compiled", f"no: {compiled.ABOUT}", "make compiled, or remove that folder")
    return ok("compiled", ("" if compiled.IS_COMPILED else "no: ") + compiled.ABOUT)


def packages() -> Finding:
    found, wrong = [], []
    for name, least in PACKAGES_MIN.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        found.append(f"{name} {installed}")
        if _numbers(installed) < least:
            wrong.append(f"{name} {installed} is older than {'.'.join(map(str, least))}")
    if wrong:
        return fail("packages", "; ".join(wrong), "install syncd again, with the packages that it names")
    return ok("packages", ", ".join(found))


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version; `3.11.6rc1` counts as 3.11."""
    numbers: list[int] = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)


def settings(resolved: Resolved) -> Finding:
    given = [f"{name} from {source}" for name, source in resolved.sources.items() if source != "default"]
    text = ", ".join(given) or "all defaults"
    if resolved.unknown_variables:
        unknown = "; ".join(f"{name}{nearest_variable(name)}" for name in resolved.unknown_variables)
        return warn("settings", f"{text}; these variables mean nothing: {unknown}", "correct or unset them")
    return ok("settings", text)


def data_folder(folder: Path) -> Finding:
    if not folder.exists():
        return _folder_to_make(folder)
    if not folder.is_dir():
        return fail("data folder", f"{folder} is no folder", "remove it, or set SYNCD_DATA_DIR")
    found = folder.stat()
    text = f"{folder}, mode {stat.S_IMODE(found.st_mode):04o}, owner uid {found.st_uid}"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return fail("data folder", f"{text}: not ours (uid {os.geteuid()})", "start syncd as its owner")
    if found.st_uid != os.geteuid():
        return warn("data folder", f"{text}, but we are uid {os.geteuid()}", "start syncd as its owner always")
    return ok("data folder", text)


def _folder_to_make(folder: Path) -> Finding:
    parent = next(parent for parent in folder.parents if parent.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        text = f"{folder} is not there and cannot be made in {parent}"
        return fail("data folder", text, f"make it, or set SYNCD_DATA_DIR; {parent} is not writable for us")
    return ok("data folder", f"{folder} will be made at the first start")


def disk_space(folder: Path) -> Finding:
    there = folder if folder.exists() else next(parent for parent in folder.parents if parent.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / 1024**3:.1f} GiB free under {there}"
    if free < DISK_FREE_FAIL_BYTES:
        return fail("disk", text, f"free some: below {DISK_FREE_FAIL_BYTES // 1024**2} MiB Postgres soon stops")
    if free < DISK_FREE_WARN_BYTES:
        return warn("disk", text, f"free some: below {DISK_FREE_WARN_BYTES // 1024**3} GiB a busy day may not fit")
    return ok("disk", text)


async def http_port(config: Config) -> Finding:
    """Free, or a server of ours listens."""
    return await _serves_health(config.host, config.port, "SYNCD_PORT", what="HTTP")


async def metrics_port(config: Config) -> Finding | None:
    """The same of the listener for those who watch; None when none is asked for."""
    if config.metrics_port is None:
        return None
    return await _serves_health(config.host, config.metrics_port, "SYNCD_METRICS_PORT", what="metrics")


async def _serves_health(host: str, port: int, setting: str, *, what: str) -> Finding:
    name = f"port {port}"
    if port == 0 or _is_free(host, port):
        return ok(name, f"free on {host}")
    try:
        alive = msgspec.json.decode(await _get(host, port, "/healthz"), type=dict[str, object])
    except msgspec.DecodeError:
        alive = {}
    if alive.get("alive") is True:
        return ok(name, f"syncd {alive.get('version')} serves {what} there")
    return _taken(name, host, setting)


async def ws_port(config: Config) -> Finding:
    """Free, or what is there says where sockets are, as a gateway does when it is asked for something else."""
    name = f"port {config.ws_port}"
    if config.ws_port == 0 or _is_free(config.host, config.ws_port):
        return ok(name, f"free on {config.host}")
    if f"it is at {PATH}".encode() in await _get(config.host, config.ws_port, "/"):
        return ok(name, "a gateway of syncd is there")
    return _taken(name, config.host, "SYNCD_WS_PORT")


def _taken(name: str, host: str, setting: str) -> Finding:
    advice = f"stop that program, or set {setting}; `serve` would refuse to start"
    return fail(name, f"taken on {host}, and what is there does not answer as syncd", advice)


def _is_free(host: str, port: int) -> bool:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True


async def _get(host: str, port: int, path: str) -> bytes:
    """The body that a port answers with; empty when nothing, or no HTTP, answers in time."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    shown = f"[{host}]" if ":" in host else host
    request = f"GET {path} HTTP/1.1\r\nHost: {shown}:{port}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request.encode())
                answer = await reader.read(ANSWER_BYTES_MAX)
                while not reader.at_eof() and len(answer) < ANSWER_BYTES_MAX:
                    answer += await reader.read(ANSWER_BYTES_MAX)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""
    return answer.partition(b"\r\n\r\n")[2]
