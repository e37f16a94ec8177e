"""What a process says while it runs: events with fields, one line each, on standard error.

Everything takes one road, ours and that of asyncio, uvicorn and websockets: standard logging, then the processors
below, then JSON or a line for people. An event is a short lower-case name (`lease_lost`); facts are fields, and the
same fact has the same name everywhere (`FIELDS`). Secrets never pass: a field that is named like one is dropped, and
text that looks like one is cut out. Titles that people listen to do not belong into fields at all.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

import orjson

from syncd.limits import SAFE_INTEGER_MAX


@contextmanager
def _unseen(library: str) -> Iterator[None]:
    """Whoever tries to import a library in here finds none, unless it is there already."""
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]  # as the language says: import then fails
    try:
        yield
    finally:
        del sys.modules[library]


# structlog takes rich along where it finds it, for tracebacks in colours that we never show: of the 0.12 s of processor
# time that it takes to import, and every process starts with, rich is 0.1.
with _unseen("rich"):
    import structlog
    from structlog.stdlib import BoundLogger, ProcessorFormatter
    from structlog.typing import EventDict, Processor

FIELDS: Final = {
    "account_id": "whose stream it is",
    "device_id": "the device that asked",
    "stream": "`a:<account>` or `p:<playlist>`",
    "writer": "of the event",
    "seq": "of the event, within its writer and stream",
    "partition": "of the log",
    "partitions": "several, ascending",
    "epoch": "of the partition",
    "offset": "of the record",
    "offset_next": "of the next record to read",
    "code": "of the error, as in docs/reference/errors.md",
    "error": "the error's sentence",
    "reason": "the log's sentence why it wrote nothing",
    "records": "how many",
    "path": "of the HTTP request, without its query",
    "topic": "of the side channel",
    "operator": "who acted, by the name in `syncd operator list`",
    "what": "the operator did",
    "outcome": "of that",
    "build": "of the hot path, that runs compiled; or why the sources run",
    "timeout_s": "the deadline that has passed, in seconds",
}
"""Every field that our lines may have, and its meaning, which is the same everywhere. A line shows them in this order,
after time, level, room and event; a test refuses others. None tells what somebody listens to."""

DROPPED: Final = re.compile(r"token|secret|password|passwd|authorization|cookie|credential|api_?key|dsn", re.IGNORECASE)
"""Names of fields whose values are never written; a database address may hold a password."""

_SECRET_TEXT: Final = re.compile(
    r"""(?P<keep> bearer\s+ | token["']?\s*[=:]\s*["']? | ://[^\s:/@]*: (?=[^\s/@]*@) )  [^\s"'&@]+
      | syncd_[A-Za-z0-9_-]{20,}""",
    re.IGNORECASE | re.VERBOSE,
)
"""A bearer header, `token=...` or `"token":"..."`, the password of an address, and a device's token anywhere."""
CUT: Final = "[secret]"
TEXT_CHARS_MAX: Final = 16_000
"""Of one text; holds a deep traceback, but not the frame that a peer sent."""
DEPTH_MAX: Final = 4
"""Of nested fields; what lies deeper is shown as text."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tab and newline: a peer's text must not steer the terminal that reads the log."""

# Below these levels they speak of single peers, websockets even writes whole frames: a peer must not fill the disk.
_QUIET: Final = {
    "asyncio": logging.WARNING,
    "uvicorn.error": logging.ERROR,
    "websockets": logging.ERROR,
    # Speaks of errors that it then raises, of every rebalance, and ten times a second of a broker that is away.
    "aiokafka": logging.CRITICAL,
}


_BEGIN: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
]
"""What every line gets, also those of libraries."""
_OURS: Final[list[Processor]] = [
    structlog.stdlib.filter_by_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    *_BEGIN,
    ProcessorFormatter.wrap_for_formatter,
]


def configure_logs(*, form: str = "auto", level: str = "info", to: TextIO | None = None) -> None:
    """Set the process's logging up; a second call replaces the first.

    Args:
        form: `text` for people, `json` for machines; `auto` is text on a terminal and JSON elsewhere.
        level: the least level written: `debug`, `info`, `warning` or `error`.
        to: where lines go; standard error when None.
    """
    handler = logging.StreamHandler(to if to is not None else sys.stderr)
    is_terminal = handler.stream.isatty()
    is_text = form == "text" or (form == "auto" and is_terminal)
    formatter = ProcessorFormatter(
        foreign_pre_chain=_BEGIN,
        processors=[ProcessorFormatter.remove_processors_meta, *_finish(text=is_text, colors=is_terminal)],
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    structlog.configure(
        processors=_OURS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=True,
    )


class Seldom:
    """Lets a line pass every so often, where each peer, or a trouble that goes on, would write one every time.

    Args:
        every_s: between two lines of one kind. The first passes at once.
    """

    def __init__(self, *, every_s: float = 10.0) -> None:
        self._every_s = every_s
        self._passed_s: dict[str, float] = {}

    def due(self, kind: str, *, now_s: float) -> bool:
        """Whether a line of this kind may pass now. There are few kinds: a code, a partition with a code."""
        passed_s = self._passed_s.get(kind)
        if passed_s is not None and now_s - passed_s < self._every_s:
            return False
        self._passed_s[kind] = now_s
        return True


def get_logger(room: str) -> BoundLogger:
    """The logger of a room, as `gateway` or `projector`."""
    # Bound to its processors here, so that it takes the same road before `configure_logs` and without it, as in tests.
    logger: BoundLogger = structlog.wrap_logger(
        logging.getLogger(f"syncd.{room}"), processors=_OURS, wrapper_class=BoundLogger
    )
    return logger


def _finish(*, text: bool, colors: bool) -> list[Processor]:
    # Tracebacks become text first, so that secrets are cut out of them too; they never show the values of variables.
    render: Processor = _render_json
    if text:
        render = structlog.dev.ConsoleRenderer(
            colors=colors,
            timestamp_key="time",
            sort_keys=False,
            repr_native_str=True,
            exception_formatter=structlog.dev.plain_traceback,
        )
    return [structlog.processors.format_exc_info, order_fields, drop_secrets, render]


def order_fields(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Time, level, room and event first, then `FIELDS`, then the rest as it came."""
    room = str(event.pop("logger", "")).removeprefix("syncd.")
    first = {"time": event.pop("time", None), "level": event.pop("level", None), "room": room}
    first["event"] = event.pop("event", None)
    known = {name: event.pop(name) for name in FIELDS if name in event}
    return {**first, **known, **event}


def drop_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The event without fields named like a secret, and without text that looks like one, at any depth."""
    return {key: _clean(value, DEPTH_MAX) for key, value in event.items() if not DROPPED.search(key)}


def cut_secrets(text: str) -> str:
    """The text without what looks like a secret, without control characters, and not longer than `TEXT_CHARS_MAX`."""
    if len(text) > TEXT_CHARS_MAX:
        text = f"{text[:TEXT_CHARS_MAX]} ... {len(text) - TEXT_CHARS_MAX} more"
    readable = _CONTROL.sub("?", text).encode(errors="backslashreplace").decode()
    return _SECRET_TEXT.sub(lambda match: (match["keep"] or "") + CUT, readable)


def _clean(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) <= SAFE_INTEGER_MAX):
        return value
    if depth > 0 and isinstance(value, dict):
        return {str(k): _clean(v, depth - 1) for k, v in value.items() if not DROPPED.search(str(k))}
    if depth > 0 and isinstance(value, list | tuple):
        return [_clean(inner, depth - 1) for inner in value]
    return cut_secrets(str(value))


def _render_json(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event).decode()
