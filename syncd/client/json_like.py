"""JSON as callers have it: any mapping and any sequence will do, so that a `dict[str, list[str]]` is welcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

JsonLike: TypeAlias = "None | bool | int | str | Sequence[JsonLike] | Mapping[str, JsonLike]"
"""No floats: replicas would round them apart."""
