"""Which modules are compiled: those that profiles of the gateway name, and what the projector shares with it.

The projector's own loop is not: it looks into the interpreter's structs at every step, which compiled code does slower.
Types that msgspec reads (events, messages, records) stay with the interpreter, in modules of their own: mypyc knows
neither the keywords of a class nor more of an annotation than its class. Ports are protocols, which it would make
classes that nobody can inherit beside.
"""

from __future__ import annotations

from typing import Final

_HOT: Final = {
    "gateway": "admission appender claims connection conversation gateway guard guards heartbeat intake lane ledger "
    "outbox together whole_frame",
    "log": "ends partition",
    "log.postgres": "appending log page",
    "model": "free_json ids plain raw references stamp validate",
    "model.lowering": "described listener lists playback writes",
    "postgres": "columns",
    "protocol": "codec depth framing public_text server_session",
    "push": "cursor delta entry_of hub joined recent sink subscription turn",
}
MODULES: Final = (
    "syncd.clock",
    "syncd.model.lowering",
    *(f"syncd.{package}.{name}" for package, names in _HOT.items() for name in names.split()),
)
