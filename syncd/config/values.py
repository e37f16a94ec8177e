"""What the values of settings look like, and how they are read.

A text comes from the environment or a flag; a value of the file has a type of TOML already. Readers take either.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from syncd.limits import LIST_ITEMS_MAX_MOST, PARTITIONS_MAX

# Ends with \Z because "$" also matches before a last newline.
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.(?!\Z)|\.?\Z))+")
_REGION = re.compile(r"[a-z0-9-]{0,32}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SWITCH = {"on": True, "true": True, "1": True, "yes": True, "off": False, "false": False, "0": False, "no": False}


class BadValue(ValueError):
    """The value cannot be used. The text is a detail that the kind's `allowed` does not say, or empty."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    Attributes:
        allowed: what `read` takes, for the reference page and errors.
        read: a text or TOML value as the setting's type; raises `BadValue`.
    """

    allowed: str
    read: Callable[[object], Any]


def _read_host(value: object) -> str:
    text = _text(value)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        # Digits and dots that are no address are a mistyped address, never a name.
        if _HOST_NAME.fullmatch(text) and not text.replace(".", "").isdigit():
            return text
        raise BadValue from None


def _read_port(value: object) -> int:
    if isinstance(value, str):
        if value.startswith("tcp://"):
            # Kubernetes sets SYNCD_PORT like this in every pod beside a Service called "syncd".
            raise BadValue("Kubernetes sets it for a Service of that name unless `enableServiceLinks` is false")
        # isdecimal alone lets the digits of other scripts pass, which int() reads as well.
        if not (value.isascii() and value.isdecimal() and len(value) <= 5):
            raise BadValue
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise BadValue
    return value


def _up_to(most: int, *, of: str, least: int = 1) -> Kind:
    """A number of something."""

    def read(value: object) -> int:
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 9:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadValue
        return value

    return Kind(f"a number of {of}, {least} to {most}", read)


def _read_file(value: object) -> Path:
    path = _read_folder(value)
    if not path.is_file():
        raise BadValue("there is no such file")
    return path.absolute()


def _read_folder(value: object) -> Path:
    text = _text(str(value) if isinstance(value, Path) else value)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BadValue(str(error)) from None


def _read_database_url(value: object) -> str:
    text = _text(value)
    if _split(text).scheme not in ("postgresql", "postgres"):
        raise BadValue
    return text


def _read_ws_url(value: object) -> str:
    text = _text(value)
    url = _split(text)
    if url.scheme not in ("ws", "wss") or not url.hostname:
        raise BadValue
    if url.query or url.fragment or url.username is not None:
        raise BadValue("it may hold no query, fragment or login")
    return text


def _read_http_url(value: object) -> str:
    text = _text(value)
    url = _split(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise BadValue
    if url.fragment or url.username is not None:
        raise BadValue("it may hold no fragment or login")
    return text


def _read_log(value: object) -> str:
    text = _text(value)
    if text == "postgres":
        return text
    # A list of servers is no URL to urlsplit, which would read it as one host with a strange port.
    scheme, _, rest = text.partition("://")
    servers, _, topic = rest.partition("/")
    if scheme != "kafka" or not _TOPIC.fullmatch(topic):
        raise BadValue
    for server in servers.split(","):
        name, colon, number = server.rpartition(":")
        if not colon:
            raise BadValue(f"{server!r} has no port")
        _read_host(name.removeprefix("[").removesuffix("]"))
        _read_port(number)
    return text


def _read_origins(value: object) -> tuple[str, ...]:
    parts = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise BadValue
    return tuple(dict.fromkeys(_origin(part) for part in parts))


def _origin(value: object) -> str:
    """As browsers send it: lower case, no path, no port that the scheme implies."""
    url = _split(_text(value))
    bare = url.path in ("", "/") and not url.query and not url.fragment and url.username is None
    if url.scheme not in ("http", "https") or not bare or not url.hostname:
        raise BadValue(f"{value!r} is no origin")
    host = _read_host(url.hostname)
    name = f"[{host}]" if ":" in host else host
    implied = url.port in (None, 443 if url.scheme == "https" else 80)
    return f"{url.scheme}://{name}" if implied else f"{url.scheme}://{name}:{url.port}"


def _read_region(value: object) -> str:
    if not isinstance(value, str) or not _REGION.fullmatch(value):
        raise BadValue
    return value


def _read_switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in _SWITCH:
        raise BadValue
    return _SWITCH[value.lower()]


def one_of(*choices: str) -> Kind:
    """A few words."""

    def read(value: object) -> str:
        if value not in choices:
            raise BadValue
        return str(value)

    return Kind(", ".join(f"`{choice}`" for choice in choices[:-1]) + f" or `{choices[-1]}`", read)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise BadValue
    return value.strip()


def _split(text: str) -> SplitResult:
    """The parts of a URL. Its port is looked at here, because a bad one raises only then."""
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError as error:
        raise BadValue(str(error)) from None
    return url


HOST: Final = Kind("an address or a host name, without a port", _read_host)
PORT: Final = Kind("a TCP port, 0 to 65535", _read_port)
FOLDER: Final = Kind("a folder; it is made when absent", _read_folder)
DATABASE_URL: Final = Kind("`postgresql://user:password@host:port/database`", _read_database_url)
WS_URL: Final = Kind("`ws://` or `wss://`, a host, and a path if any", _read_ws_url)
HTTP_URL: Final = Kind("`http://` or `https://`, a host, and a path", _read_http_url)
PERMILLE: Final = _up_to(1_000, of="events", least=0)
LOG: Final = Kind("`postgres`, or `kafka://host:port[,host:port]/topic`", _read_log)
PARTITIONS: Final = _up_to(PARTITIONS_MAX, of="partitions")
FILE: Final = Kind("a file that can be read", _read_file)
TEXT: Final = Kind("a text without control characters", lambda value: _text(value))
ORIGINS: Final = Kind(
    "origins as `https://player.example:8443`, separated by commas, or an array of them in the file", _read_origins
)
REGION: Final = Kind("up to 32 of `a-z`, `0-9` and `-`, or nothing", _read_region)
LIST_ITEMS: Final = _up_to(LIST_ITEMS_MAX_MOST, of="entries")
NICENESS: Final = _up_to(19, of="steps", least=0)
SWITCH: Final = Kind("`on` or `off`; in the file `true` or `false`", _read_switch)
