"""Shared vectors: cases that every SDK must answer alike, made from the model itself. `VECTORS` lists the files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncd.operations.schemas.vectors.canonical import canonicals
from syncd.operations.schemas.vectors.case import Vectors
from syncd.operations.schemas.vectors.lowering import lowerings
from syncd.operations.schemas.vectors.merging import digests, joins
from syncd.operations.schemas.vectors.messages import messages
from syncd.operations.schemas.vectors.restamps import restamps
from syncd.operations.schemas.vectors.shuffles import shuffles
from syncd.operations.schemas.vectors.stamps import stamps
from syncd.operations.schemas.vectors.stories.listener import listener
from syncd.operations.schemas.vectors.stories.lists import lists
from syncd.operations.schemas.vectors.stories.playback import playback

VECTORS: Mapping[str, Callable[[], Vectors]] = {
    "canonical": canonicals,
    "digest": digests,
    "join": joins,
    "lowering": lowerings,
    "messages": messages,
    "restamp": restamps,
    "shuffle": shuffles,
    "stamps": stamps,
    "views_listener": listener,
    "views_lists": lists,
    "views_playback": playback,
}
"""File name without its suffix -> what makes it."""
