"""docs/reference/configuration.md, made from the table of settings."""

from __future__ import annotations

import sys

from syncd.config.resolve import CONFIG_FILE, CONFIG_FILE_ENV, FILE_SUFFIX
from syncd.config.settings import SETTINGS, Setting

_HEAD = f"""# Configuration

Made from `syncd/config/settings.py` by `python -m syncd.config.page`; a test compares.

A setting is taken from the first of these that has it:

1. the flag of a command, as `--ws-port 9001`; `syncd COMMAND --help` lists those it has
2. the environment; an empty variable counts as not set
3. the TOML file that `--config FILE` names, else the one that `{CONFIG_FILE_ENV}` names, else `{CONFIG_FILE}` in the
   working folder
4. the default

`syncd config show` prints every value and where it came from. A value that cannot be used, and a key of the file that
means nothing, stop the command with exit code 3. A `SYNCD_` variable that means nothing is told by `syncd doctor`.
A secret may stand in a file: `SYNCD_DATABASE_URL{FILE_SUFFIX}=/run/secrets/database` instead of
`SYNCD_DATABASE_URL`.

| setting | variable | default | allowed | meaning |
| --- | --- | --- | --- | --- |
"""

_TAIL = """
A file with some of them:

```toml
host = "0.0.0.0"
data_dir = "/var/lib/syncd"
origins = ["https://player.example", "https://staging.player.example:8443"]
log_format = "json"
```
"""


def reference() -> str:
    """The page as Markdown."""
    return _HEAD + "".join(_row(setting) for setting in SETTINGS) + _TAIL


def _row(setting: Setting) -> str:
    variable = f"`{setting.env}`" + (f", `{setting.env}{FILE_SUFFIX}`" if setting.secret else "")
    cells = (f"`{setting.name}`", variable, _default(setting), setting.kind.allowed, setting.meaning)
    return f"| {' | '.join(cells)} |\n"


def _default(setting: Setting) -> str:
    if setting.default in (None, "", ()):
        return "none"
    if isinstance(setting.default, bool):
        return "`on`" if setting.default else "`off`"
    return f"`{setting.default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
