"""The page `/docs`: text written by hand (`syncd/web/docs.html`), tables made from the types that they describe."""

from __future__ import annotations

import inspect as python_inspect
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, get_args

from msgspec import inspect

from syncd import limits
from syncd.api.type_notation import field_notation, notation
from syncd.metrics import table as metrics_table
from syncd.model.events import EVENTS, SERVER_KINDS
from syncd.protocol import close_codes, messages, version

_LIMITS = (
    "FRAME_BYTES_MAX", "EVENT_BYTES_MAX", "EMIT_EVENTS_MAX", "SUBSCRIPTIONS_MAX", "NESTING_MAX", "ITEMS_MAX",
    "LIST_ITEMS_MAX", "ID_CHARS_MAX", "SAFE_INTEGER_MAX", "CLOCK_AHEAD_MS_MAX", "HELLO_TIMEOUT_S", "SEND_TIMEOUT_S",
    "PING_INTERVAL_S",
)  # fmt: skip
"""Those of `syncd.limits` that a client meets."""

_THEN = {
    close_codes.Then.RESUME: "come back with your cursor",
    close_codes.Then.SNAPSHOT: "come back without the cursor",
    close_codes.Then.RENEW_WRITER: "come back without cursor and writer, renumber what is pending",
    close_codes.Then.RENEW_LOGIN: "do not come back with this token",
    close_codes.Then.STAY_AWAY: "report it and stay away",
}


def docs_page(*, list_items_max: int = limits.LIST_ITEMS_MAX) -> str:
    """The whole page as HTML.

    Args:
        list_items_max: the one limit that is a setting, as it stands here.
    """
    values = {name: getattr(limits, name) for name in _LIMITS} | {"LIST_ITEMS_MAX": list_items_max}
    text = Template(files("syncd").joinpath("web", "docs.html").read_text("utf-8"))
    return text.substitute(
        path=version.PATH,
        subprotocol_json=version.SUBPROTOCOL_JSON,
        subprotocol_msgpack=version.SUBPROTOCOL_MSGPACK,
        client_messages=_types("from-device", ((_tag(t), t) for t in get_args(messages.ClientMessage))),
        server_messages=_types("from-gateway", ((_tag(t), t) for t in get_args(messages.ServerMessage))),
        events=_types("event", ((kind, t) for kind, t in EVENTS.items() if kind not in SERVER_KINDS)),
        close_codes=_table(
            ("code", "name", "meaning", "what to do"),
            ((str(row.code), row.name, row.reason, _THEN[row.then]) for row in close_codes.TABLE),
        ),
        limits=_table(("limit", "value"), ((name.lower(), f"{value:,}") for name, value in values.items())),
        metrics=_table(
            ("name", "kind", "unit", "meaning"), ((m.name, m.kind, m.unit, m.meaning) for _, m in metrics_table())
        ),
    )


def _tag(type_: Any) -> str:
    info = inspect.type_info(type_)
    assert isinstance(info, inspect.StructType)
    return str(info.tag)


def _types(part: str, named: Iterable[tuple[str, Any]]) -> str:
    """A description list: name, what the type's docstring says first, fields. `part` begins the anchors."""
    entries = []
    for name, type_ in named:
        info = inspect.type_info(type_)
        fields = map(field_notation, info.fields) if isinstance(info, inspect.StructType) else [notation(type_)]
        shown = "".join(f"<li><code>{escape(field, quote=False)}</code></li>" for field in fields)
        told = f'{_first_line(type_)}<ul class="fields">{shown}</ul>'
        entries.append(f'<dt id="{part}-{name}"><code>{name}</code></dt><dd>{told}</dd>')
    return f"<dl>{''.join(entries)}</dl>"


def _first_line(type_: Any) -> str:
    """The first paragraph of a type's own docstring as HTML; nothing when it has none, or inherits it."""
    own = type_.__doc__ if isinstance(type_, type) and "__doc__" in vars(type_) else None
    if not own:
        return ""
    paragraph = " ".join(python_inspect.cleandoc(own).split("\n\n")[0].split())
    pieces = escape(paragraph, quote=False).split("`")
    return "<p>" + "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces)) + "</p>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    first = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>"
        + f"<td><code>{escape(row[0])}</code></td>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table></div>'
