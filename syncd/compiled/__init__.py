"""The hot path as machine code, where somebody built it: `make compiled` (`syncd.compiled.build`).

A build is a folder of its own beside the package, never among the sources. Its manifest says of which sources it was
made. It is used as a whole, by an import hook, while each of them still has the same bytes; else as a whole it is not,
and the sources run as ever. So an edit always counts, and nothing is shadowed. Source: docs/decisions/0030.

This is imported before anything else of syncd, so it imports little, and reads the environment itself: `config` would
be too late. `SYNCD_COMPILED` is `off`, or the path of a build that lies elsewhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final, Literal

VARIABLE: Final = "SYNCD_COMPILED"
OFF: Final = "off"
PACKAGE: Final = Path(__file__).parents[1]
FOLDER: Final = PACKAGE.parent / ".compiled"
"""Beside the package: at the top of a checkout, or in site-packages."""
MANIFEST: Final = "manifest.json"
"""`{"build": folder of the libraries, "suffix": …, "mypyc": version, "sources": {module: sha256}, "beside": the same of
modules that are not compiled, but known to those that are: mypyc takes constants and types from them}`"""
LIBRARY: Final = "syncd__mypyc"
"""The module that holds all the code; what has a source's name is a shim of a few KiB that asks it."""


class Finder(MetaPathFinder):
    """Finds compiled modules of one build, and nothing else."""

    def __init__(self, folder: Path, modules: Sequence[str]) -> None:
        self._folder = folder
        self._modules = frozenset((*modules, LIBRARY))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:  # fmt: skip
        if fullname not in self._modules:
            return None
        library = str(self._folder / library_name(fullname))
        spec = ModuleSpec(fullname, _Loader(fullname, library), origin=library)
        spec.has_location = True
        if fullname != LIBRARY and (source := source_of(fullname)).name == "__init__.py":
            spec.submodule_search_locations = [str(source.parent)]
        return spec


class _Loader(ExtensionFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        assert module.__spec__ is not None
        if module.__spec__.submodule_search_locations is not None:  # mypyc believes that a package lies beside its code
            module.__path__ = module.__spec__.submodule_search_locations


def library_name(module: str) -> str:
    """The file of a module in the folder of its build."""
    return module + EXTENSION_SUFFIXES[0]


def source_of(module: str) -> Path:
    """Where a module's source is, or would be."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def fingerprint(source: Path) -> str:
    """What a source's bytes are known by."""
    from hashlib import sha256

    return sha256(source.read_bytes()).hexdigest()


def find_build(folder: Path) -> tuple[Finder | None, str]:
    """The build in a folder, if it is one of these sources for this Python; and which it is, or why it is none."""
    try:
        text = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:  # as nearly everywhere: it must not read like something that failed
        return None, f"no build in {folder}"
    except OSError as error:
        return None, f"no build in {folder}: {error.strerror}"
    import json

    try:
        manifest = json.loads(text)
        suffix, name, mypyc = manifest["suffix"], manifest["build"], manifest["mypyc"]
        sources: Mapping[str, str] = manifest["sources"]
        known = (*sources.items(), *manifest["beside"].items())
    except (ValueError, KeyError) as error:
        return None, f"{folder / MANIFEST} is damaged, or another version's: {error!r}"
    if suffix != EXTENSION_SUFFIXES[0]:
        return None, f"the build in {folder} is for {suffix}, this Python wants {EXTENSION_SUFFIXES[0]}"
    for module, made_of in known:
        source = source_of(module)
        if not source.exists() or fingerprint(source) != made_of:
            return None, f"{module} is not what the build in {folder} was made of"
    build = folder / name
    present = os.listdir(build) if build.is_dir() else []
    lacking = {library_name(module) for module in (*sources, LIBRARY)}.difference(present)
    if lacking:
        return None, f"{build} lacks {min(lacking)}"
    return Finder(build, list(sources)), f"{len(sources)} modules, by mypyc {mypyc}"


def _install() -> tuple[Literal["compiled", "off", "absent", "stale"], str]:
    said = os.environ.get(VARIABLE, "")
    if said == OFF:
        return "off", f"{VARIABLE} is {OFF}"
    folder = Path(said) if said else FOLDER
    finder, text = find_build(folder)
    if finder is None:
        return "stale" if (folder / MANIFEST).exists() else "absent", text
    sys.meta_path.insert(0, finder)
    return "compiled", text


STATE, ABOUT = _install()
"""What this process runs; and which build that is, or why it is none. For people."""
IS_COMPILED: Final = STATE == "compiled"
