"""How long work tells that it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Advance: TypeAlias = Callable[[int, int], None]
"""(done, of all): called now and then with numbers that rise; `of all` may change as the work learns more."""
