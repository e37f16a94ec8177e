"""Where the value of each setting comes from: a flag, the environment, the file, or the default; the first wins."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from syncd import compiled
from syncd.config.settings import SETTINGS, Config, Setting
from syncd.config.values import BadValue
from syncd.errors import ConfigError

CONFIG_FILE: Final = "syncd.toml"
"""Read from the working folder when neither `--config` nor `SYNCD_CONFIG` names another file."""
CONFIG_FILE_ENV: Final = "SYNCD_CONFIG"
FILE_SUFFIX: Final = "_FILE"
"""After a secret's variable: the name of a file that holds it."""
DEFAULT_SOURCE: Final = "default"
_SECRET_BYTES_MAX: Final = 64 * 1024
"""Of a file that holds a secret; a larger one is some other file, named by mistake."""

_NAMES: Final = tuple(setting.name for setting in SETTINGS)
_VARIABLES: Final = (
    CONFIG_FILE_ENV,
    compiled.VARIABLE,
    *(setting.env for setting in SETTINGS),
    *(setting.env + FILE_SUFFIX for setting in SETTINGS if setting.secret),
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings, and where each came from.

    Attributes:
        sources: per setting its flag, its variable, the path of the file, or `default`.
        file: the file that was read; None when there is none.
        unknown_variables: `SYNCD_…` variables that mean nothing here. They are told, not refused: Kubernetes sets such
            ones for a Service of our name, and a newer version's must not keep this one from starting.
    """

    config: Config
    sources: Mapping[str, str]
    file: Path | None
    unknown_variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Given:
    """What somebody wrote. `shown`: how errors name the place."""

    value: object
    source: str
    shown: str


def load(
    *, flags: Mapping[str, object] | None = None, file: Path | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """The settings; arguments and errors as of `resolve`."""
    return resolve(flags=flags, file=file, environ=environ).config


def resolve(
    *, flags: Mapping[str, object] | None = None, file: Path | None = None, environ: Mapping[str, str] | None = None
) -> Resolved:
    """The settings, and where each came from.

    Args:
        flags: by the setting's name; None as a value means that the flag was not given.
        file: the TOML file that `--config` named.
        environ: the process's own when None.

    Raises:
        ConfigError: a value, a key or the file is wrong; the text names it and what is allowed.
    """
    environ = os.environ if environ is None else environ
    flags = {} if flags is None else flags
    assert flags.keys() <= set(_NAMES), f"flags without a setting: {sorted(flags.keys() - set(_NAMES))}"
    path, content = _file(file, environ)

    chosen: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        given = _from_flag(setting, flags) or _from_environment(setting, environ) or _from_file(setting, path, content)
        chosen[setting.name] = setting.default if given is None else _read(setting, given)
        sources[setting.name] = DEFAULT_SOURCE if given is None else given.source
    base = path.parent if path is not None and sources["data_dir"] == str(path) else Path.cwd()
    chosen["data_dir"] = base / chosen["data_dir"]
    unknown = tuple(sorted(name for name in environ if name.startswith("SYNCD_") and name not in _VARIABLES))
    return Resolved(Config(**chosen), sources, path, unknown)


def nearest_variable(name: str) -> str:
    """A hint for a variable that means nothing: `, did you mean …?`, or nothing when no name is near."""
    return _nearest(name, _VARIABLES)


def _from_flag(setting: Setting, flags: Mapping[str, object]) -> _Given | None:
    value = flags.get(setting.name)
    flag = f"--{setting.name.replace('_', '-')}"
    return None if value is None else _Given(value, flag, flag)


def _from_environment(setting: Setting, environ: Mapping[str, str]) -> _Given | None:
    """An empty variable counts as not set: that is how compose files and unit files say "nothing"."""
    text = environ.get(setting.env)
    file_env = setting.env + FILE_SUFFIX
    path = environ.get(file_env) if setting.secret else None
    if text and path:
        raise ConfigError(f"{setting.env} and {file_env} are both set; keep one")
    if path:
        return _Given(_secret_in(Path(path), file_env), file_env, file_env)
    return _Given(text, setting.env, setting.env) if text else None


def _from_file(setting: Setting, path: Path | None, content: Mapping[str, object]) -> _Given | None:
    if setting.name not in content:
        return None
    return _Given(content[setting.name], str(path), f"{setting.name} in {path}")


def _read(setting: Setting, given: _Given) -> Any:
    """The value as the setting's type. A secret is never repeated, nor any detail that could hold a part of it."""
    try:
        return setting.kind.read(given.value)
    except BadValue as error:
        said = "holds a value" if setting.secret else f"is {given.value!r},"
        detail = f" ({error})" if str(error) and not setting.secret else ""
        raise ConfigError(
            f"{given.shown} {said} which cannot be used{detail}; allowed: {setting.kind.allowed}"
        ) from None


def _secret_in(path: Path, file_env: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_SECRET_BYTES_MAX + 1)
        text = data.decode().strip()
    except OSError as error:
        raise ConfigError(f"{file_env}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{file_env}: {path} is not UTF-8") from None
    if len(data) > _SECRET_BYTES_MAX:
        raise ConfigError(f"{file_env}: {path} has more than {_SECRET_BYTES_MAX} bytes")
    if not text:
        raise ConfigError(f"{file_env}: {path} is empty")
    return text


def _file(named: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, Mapping[str, object]]:
    """The file's path and content. Only a file that somebody named has to be there."""
    if named is None and environ.get(CONFIG_FILE_ENV):
        named = Path(environ[CONFIG_FILE_ENV])
    path = (Path(CONFIG_FILE) if named is None else named).absolute()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is None:
            return None, {}
        raise ConfigError(f"there is no configuration file {path}") from None
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the configuration file {path} is no TOML: {error}") from error
    for key in content:
        if key not in _NAMES:
            raise ConfigError(f"{path}: no setting {key!r}{_nearest(key, _NAMES)}; allowed: {', '.join(_NAMES)}")
    return path, content


def _nearest(name: str, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {found[0]!r}?" if found else ""
