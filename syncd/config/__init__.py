"""What an operator may choose. Nothing else in syncd reads the environment.

`settings` is the one table; `values` says what a value looks like; `resolve` finds it in flags, environment, file or
default; `page` writes docs/reference/configuration.md from the table.
"""

from syncd.config.resolve import Resolved, load, nearest_variable, resolve
from syncd.config.settings import SETTINGS, Config, Setting

__all__ = ["SETTINGS", "Config", "Resolved", "Setting", "load", "nearest_variable", "resolve"]
