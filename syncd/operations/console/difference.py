"""What differs between two states of an account, as operators read it: one line for each thing that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from syncd.model.canonical import Json

KEYS: Final = ("id", "stream", "play", "device")
"""The fields that name an entry of a list, the first that it has."""
UNTOLD: Final = frozenset({"cursors", "digests", "as_of_ms"})
"""Parts that differ whenever anything does, and say nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Change:
    """`path`: names from the outside in. `was`, `now`: None on the side where it is not there."""

    path: list[str]
    what: Literal["added", "removed", "changed", "reordered"]
    was: Json
    now: Json


def state_difference(was: Json, now: Json, path: tuple[str, ...] = ()) -> Iterator[Change]:
    """Every change from one state to another, in the order in which states are written."""
    if was == now:
        return
    if isinstance(was, dict) and isinstance(now, dict):
        yield from _named(was, now, path)
    elif isinstance(was, list) and isinstance(now, list) and (key := _key(was, now)) is not None:
        before, after = _by(key, was), _by(key, now)
        yield from _named(before, after, path)
        stayed = [name for name in before if name in after]
        if stayed != [name for name in after if name in before]:
            yield Change([*path], "reordered", list(before), list(after))
    else:
        yield Change([*path], "changed", was, now)


def _named(was: Mapping[str, Json], now: Mapping[str, Json], path: tuple[str, ...]) -> Iterator[Change]:
    for name in dict.fromkeys([*was, *now]):
        if name in UNTOLD:
            continue
        if name not in now:
            yield Change([*path, name], "removed", was[name], None)
        elif name not in was:
            yield Change([*path, name], "added", None, now[name])
        else:
            yield from state_difference(was[name], now[name], (*path, name))


def _key(was: Sequence[Json], now: Sequence[Json]) -> str | None:
    """The field that names the entries of both; None where there is none, or two have one name."""
    for key in KEYS:
        entries = [*was, *now]
        if all(isinstance(entry, dict) and isinstance(entry.get(key), str) for entry in entries):
            unique = all(len(_by(key, part)) == len(part) for part in (was, now))
            return key if unique else None
    return None


def _by(key: str, entries: Sequence[Json]) -> dict[str, Json]:
    return {str(entry[key]): entry for entry in entries if isinstance(entry, dict)}
