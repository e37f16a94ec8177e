"""Records as a thousand listeners leave them: plays, likes, settings, progress, and queues."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from syncd.log.record import Body, Record, encode_record
from syncd.model.events import EVENTS
from syncd.model.stamp import pack

STREAMS = 1_000


def seeded(count: int) -> Iterator[Record]:
    """So many records, the streams in turn."""
    now_ms = time.time_ns() // 1_000_000 - count
    for n in range(count):
        stream, seq = f"a:seed{n % STREAMS:04}", n // STREAMS + 1
        kinds: dict[str, dict[str, Any]] = {
            "history.played": {"play": f"p{seq}", "track": f"t{n}", "started_ms": now_ms, "listened_ms": n},
            "library.changed": {"set": "tracks", "ids": [f"t{seq}"], "value": True},
            "settings.changed": {f"key{seq % 50}": n},
            "progress.listened": {"episode": f"e{seq % 200}", "position_ms": n, "through": "0" * 21},
            "list.inserted": {"list": "queue", "items": [{"track": f"t{n}"}], "side": "R", "parent": None},
        }
        kind, data = list(kinds.items())[seq % len(kinds)]
        typed = data if kind == "settings.changed" else EVENTS[kind](**data)
        body = Body(pack(now_ms + n), typed, stream[2:], "seed", now_ms + n)
        yield encode_record(stream, f"w{n % STREAMS:09}", seq, kind, body)
