"""Makes a build. Needs mypy, whose compiler mypyc is, a C compiler, and Python's headers.

    make compiled                                     for this checkout, into .compiled
    python -m syncd.compiled.build --folder FOLDER    elsewhere, as for an image

Nothing is compiled again that has not changed. A build gets a folder of its own, and counts from the moment the
manifest names it, which is one rename: who starts meanwhile finds the one before, whole. That one stays, since
processes may still import from it.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncd.compiled import FOLDER, LIBRARY, MANIFEST, PACKAGE, fingerprint, library_name, source_of
from syncd.compiled.modules import MODULES

if TYPE_CHECKING:
    from setuptools import Extension

OPTIMIZE: Final = "2"
"""As gcc's -O."""
LINE_EVERY: Final = 25
"""Files between two lines of progress where there is no terminal."""
MYPY_ARGUMENTS: Final = (
    "--config-file=",
    "--namespace-packages",
    "--explicit-package-bases",
    "--ignore-missing-imports",
)
"""Not the checkout's: what was checked there need not be checked again, and an image has no settings."""


class CannotBuild(Exception):
    """Says what is missing, or in the way."""


def build(folder: Path, *, optimize: str = OPTIMIZE) -> None:
    """Compile `MODULES` into a folder. Raises `CannotBuild`."""
    from setuptools.errors import CompileError

    check_tools()
    for module in MODULES:
        check_source(source_of(module))
    folder.mkdir(parents=True, exist_ok=True)
    sources = {module: fingerprint(source_of(module)) for module in MODULES}
    beside = {module: fingerprint(source_of(module)) for module in modules_beside(MODULES)}
    known_by = [sources, beside, version("mypy"), EXTENSION_SUFFIXES[0], optimize]
    made = sha256(json.dumps(known_by).encode()).hexdigest()[:16]
    libraries = folder / made
    try:
        _compile(_to_c(folder / "c", optimize), folder / "objects", libraries)
    except CompileError as error:
        raise CannotBuild(f"the C compiler refused: {error}") from error
    before = _named_by(folder / MANIFEST)
    manifest = {
        "build": made, "suffix": EXTENSION_SUFFIXES[0], "mypyc": version("mypy"), "sources": sources, "beside": beside,
    }  # fmt: skip
    new = folder / f"{MANIFEST}.{os.getpid()}"
    new.write_text(json.dumps(manifest, indent=1))
    new.replace(folder / MANIFEST)
    for old in folder.iterdir():
        if old.is_dir() and old.name not in ("c", "objects", "mypy", made, before):
            shutil.rmtree(old)


def check_source(source: Path) -> None:
    """Raise `CannotBuild` at what mypyc would compile into something else, without a word."""
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.ClassDef) and node.keywords:
            raise CannotBuild(
                f"{source}: class {node.name} has keywords, which mypyc drops; "
                "put it into a module that is not compiled"
            )
        if isinstance(node, ast.Try) and any(_waits(each) for each in node.finalbody):
            raise CannotBuild(
                f"{source}:{node.finalbody[0].lineno}: `finally` awaits, and mypyc would raise there whatever somebody "
                "else is handling or has left; use `async with` and a context manager that is not compiled"
            )


def _waits(statement: ast.AST) -> bool:
    return any(isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor) for node in ast.walk(statement))


def modules_beside(modules: Sequence[str]) -> Sequence[str]:
    """Modules of syncd that these import from, and that are none of them."""
    found = {
        node.module
        for module in modules
        for node in ast.walk(ast.parse(source_of(module).read_bytes()))
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.split(".")[0] == PACKAGE.name
    }
    return sorted(found.difference(modules))


def _to_c(folder: Path, optimize: str) -> list[Extension]:
    """C sources of all modules, and how they are to be compiled."""
    try:
        from mypyc.build import mypycify
    except ImportError as error:
        raise CannotBuild(f"mypy is not installed ({error}); `make setup` installs it") from error
    top = PACKAGE.parent
    paths = [str(source_of(module).relative_to(top)) for module in MODULES]
    with chdir(top):
        extensions: list[Extension] = mypycify(
            [f"--cache-dir={folder.with_name('mypy')}", *MYPY_ARGUMENTS, *paths], multi_file=True,
            target_dir=str(folder), group_name=LIBRARY.removesuffix("__mypyc"), opt_level=optimize, debug_level="0",
        )  # fmt: skip
    return extensions


def _compile(extensions: Sequence[Extension], objects: Path, libraries: Path) -> None:
    """Objects of what has changed, then a library of each extension."""
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.sysconfig import customize_compiler

    compiler = new_compiler()
    customize_compiler(compiler)
    include = sysconfig.get_path("include")
    headers_ns = max((path.stat().st_mtime_ns for path in (objects.with_name("c")).rglob("*.h")), default=0)
    objects.mkdir(exist_ok=True)

    def compile_one(source: str, extension: Extension) -> None:
        # Its warnings are the generated code's, and differ from compiler to compiler.
        arguments = [argument for argument in extension.extra_compile_args if argument != "-Werror"]
        compiler.compile(
            [source], output_dir=str(objects), include_dirs=[include, *extension.include_dirs],
            macros=extension.define_macros, extra_postargs=arguments,
        )  # fmt: skip

    def is_fresh(source: str, object_: Path) -> bool:
        return object_.exists() and object_.stat().st_mtime_ns > max(Path(source).stat().st_mtime_ns, headers_ns)

    jobs: list[tuple[str, Extension]] = []
    parts: dict[str, list[str]] = {}
    for extension in extensions:
        parts[extension.name] = compiler.object_filenames(extension.sources, output_dir=str(objects))
        for source, object_ in zip(extension.sources, parts[extension.name], strict=True):
            if not is_fresh(source, Path(object_)):
                jobs.append((source, extension))
    jobs.sort(key=lambda job: -Path(job[0]).stat().st_size)  # the longest first, or one core waits for it at the end
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(lambda job: compile_one(*job), jobs), 1):
            if sys.stderr.isatty() or done % LINE_EVERY == 0:
                _tell(f"{done} of {len(jobs)} files compiled")
    libraries.mkdir(exist_ok=True)
    for extension in extensions:
        compiler.link_shared_object(
            parts[extension.name], str(libraries / library_name(extension.name.removesuffix(".__init__"))),
        )  # fmt: skip


def check_tools() -> None:
    """Raise `CannotBuild` where there is no C compiler, or nothing of Python for it to include."""
    compiler = str(sysconfig.get_config_var("CC")).split()[0]
    if shutil.which(compiler) is None:
        raise CannotBuild(f"there is no C compiler {compiler}; on Debian: apt-get install gcc")
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        raise CannotBuild(f"there is no {header}; on Debian: apt-get install python3-dev")


def _named_by(manifest: Path) -> str | None:
    try:
        name: str = json.loads(manifest.read_bytes())["build"]
    except (OSError, ValueError, KeyError):  # there is none, or it is damaged: either way the new one takes its place
        return None
    return name


def _tell(text: str) -> None:
    is_terminal = sys.stderr.isatty()
    sys.stderr.write(f"\r{text:<60}" if is_terminal else f"{text}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where the build goes; {FOLDER}")
    parser.add_argument("--optimize", choices=["0", "1", "2", "3"], default=OPTIMIZE, help="as the compiler's -O")
    options = parser.parse_args()
    started_s = time.monotonic()
    _tell(f"compiling {len(MODULES)} modules; a minute or two the first time")
    try:
        build(options.folder.absolute(), optimize=options.optimize)
    except CannotBuild as error:
        sys.stderr.write(f"cannot build: {error}\n")
        return 1
    _tell(f"{options.folder}: {len(MODULES)} modules in {time.monotonic() - started_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
