"""Records that no gateway of this version writes: each can never be folded, and must stop nobody."""

from __future__ import annotations

from syncd.limits import RECORD_BYTES_MAX
from syncd.log.record import Record
from syncd.model.upcast import SCHEMA_VERSION

WRITER = "badbadbad0"


def body(data: str = '{"theme":"poison"}', *, t: str = "5") -> bytes:
    """A body as a gateway writes it, but for what is given."""
    return f'{{"t":{t},"data":{data},"account":"a","device":"d","admitted_ms":1}}'.encode()


def newer(stream: str, data: str, *, seq: int) -> Record:
    """An event of the next schema version, as a newer gateway writes it."""
    return Record(stream, WRITER, seq, "settings.changed", SCHEMA_VERSION + 1, body(data))


def poisoned(stream: str) -> dict[str, Record]:
    """What is wrong with it -> a record of the stream. Their seqs are 1, 2, 3 …"""
    bodies = {
        "bad bytes": b"\xff\xfe{",
        "no body": b"",
        "half a body": body()[:-10],
        "data of another kind": body('{"list":"queue"}').replace(b"theme", b"list"),
        "time beyond any clock": body(t="99999999999999999999"),
        "time before any clock": body(t="-1"),
        "nested": body(f'{{"theme":{"[" * 900}{"]" * 900}}}'),
        "too large": body(f'{{"theme":"{"x" * RECORD_BYTES_MAX}"}}'),
    }
    records = {
        what: Record(stream, WRITER, seq, "settings.changed", SCHEMA_VERSION, bytes_)
        for seq, (what, bytes_) in enumerate(bodies.items(), 1)
    }
    seq = len(records)
    records["data of another kind"] = records["data of another kind"]._replace(kind="list.inserted")
    records["unknown version"] = newer(stream, '{"theme":"newer"}', seq=seq + 1)
    records["no version"] = records["bad bytes"]._replace(seq=seq + 2, version=0, body=body())
    records["another stream's name"] = Record("nobody", WRITER, seq + 3, "settings.changed", SCHEMA_VERSION, body())
    records["another writer's name"] = Record(stream, "W", seq + 4, "settings.changed", SCHEMA_VERSION, body())
    records["seq 0"] = Record(stream, WRITER, 0, "settings.changed", SCHEMA_VERSION, body())
    return records
