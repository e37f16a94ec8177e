"""Vectors of lowering: one event -> the cells it writes."""

from __future__ import annotations

from syncd.model.events import EVENTS, VOID
from syncd.model.lowering import lower
from syncd.model.stamp import T_MAX
from syncd.operations.schemas.samples.events import LAPTOP, SAMPLES, Sample
from syncd.operations.schemas.vectors.case import Case, Vectors, cells_json, distinct, event_json

_BEYOND = [
    Sample("an unknown kind writes nothing", "lights.dimmed", {"room": "kitchen"}),
    Sample("a void writes nothing", VOID, {"kind": "list.inserted"}),
    Sample("a rebuild writes nothing", "projection.rebuilt", {"generation": 2}),
]


def lowerings() -> Vectors:
    """Every kind, with optional fields given and left out."""
    cases = []
    for sample in (*SAMPLES, *_BEYOND):
        event = sample.event()
        # What the client sent, so that every SDK supplies the defaults itself.
        sent = {**event_json(event), "data": sample.data}
        cases.append(Case(f"{sample.kind}: {sample.name}", sent, cells_json(lower(event))))
    last = next(sample for sample in SAMPLES if sample.kind == "list.moved")
    event = last.event(writer=LAPTOP, seq=2**53 - 1, t=T_MAX)
    cases.append(
        Case("list.moved: the largest numbers", {**event_json(event), "data": last.data}, cells_json(lower(event)))
    )
    assert {sample.kind for sample in SAMPLES} == set(EVENTS), "every kind has a sample"
    return Vectors("What each event writes, read from nothing but the event: `{key: [rank, value]}`.", distinct(cases))
