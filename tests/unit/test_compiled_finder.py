"""When a build of the hot path is used: as a whole, by the Python it is for, while its sources are what they were."""

from __future__ import annotations

import json
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from syncd.compiled import LIBRARY, MANIFEST, find_build, fingerprint, library_name, source_of
from syncd.compiled.build import CannotBuild, check_source, modules_beside
from syncd.compiled.modules import MODULES

CHOSEN = ("syncd.push.turn", "syncd.model.lowering")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build that lacks nothing but code."""
    (tmp_path / "b1").mkdir()
    for module in (*CHOSEN, LIBRARY):
        (tmp_path / "b1" / library_name(module)).touch()
    write(tmp_path)
    return tmp_path


def write(
    folder: Path, *, suffix: str = EXTENSION_SUFFIXES[0], sources: dict[str, str] | None = None,
    beside: dict[str, str] | None = None,
) -> None:  # fmt: skip
    made_of = {module: fingerprint(source_of(module)) for module in CHOSEN} | (sources or {})
    manifest = {"build": "b1", "suffix": suffix, "mypyc": "1", "sources": made_of, "beside": beside or {}}
    (folder / MANIFEST).write_text(json.dumps(manifest))


def why_unused(folder: Path) -> str:
    finder, about = find_build(folder)
    assert finder is None
    return about


def test_a_whole_build_of_these_sources_is_found(folder: Path) -> None:
    finder, about = find_build(folder)
    assert finder is not None, about
    spec = finder.find_spec("syncd.push.turn", None)
    assert spec is not None
    assert spec.origin == str(folder / "b1" / library_name("syncd.push.turn"))
    assert spec.submodule_search_locations is None
    assert finder.find_spec("syncd.push.hub", None) is None, "what was not built is found where it always was"


def test_a_package_of_a_build_has_its_other_modules_where_its_source_is(folder: Path) -> None:
    finder, about = find_build(folder)
    assert finder is not None, about
    spec = finder.find_spec("syncd.model.lowering", None)
    assert spec is not None
    assert spec.submodule_search_locations == [str(source_of("syncd.model.lowering").parent)]


def test_one_edited_source_leaves_the_whole_build_unused(folder: Path) -> None:
    write(folder, sources={"syncd.push.turn": "0" * 64})
    assert "syncd.push.turn is not what" in why_unused(folder)


def test_an_edited_module_that_compiled_ones_took_constants_from_leaves_the_build_unused(folder: Path) -> None:
    write(folder, beside={"syncd.limits": "0" * 64})
    assert "syncd.limits is not what" in why_unused(folder)


def test_what_compiled_modules_import_is_known_and_what_is_compiled_stands_once() -> None:
    beside = modules_beside(MODULES)
    assert {"syncd.limits", "syncd.push.entry", "syncd.log.postgres.notifier"} <= set(beside)
    assert not set(beside) & set(MODULES)


@pytest.mark.parametrize("text", ['{"build": "b1", ', '{"build": "b1", "sources": {}}'])
def test_a_manifest_that_is_damaged_or_another_versions_is_no_build(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    assert "is damaged" in why_unused(folder)


def test_a_build_of_a_module_that_is_gone_is_not_used(folder: Path) -> None:
    write(folder, sources={"syncd.push.gone": "0" * 64})
    assert "syncd.push.gone is not what" in why_unused(folder)


def test_a_build_for_another_python_is_not_used(folder: Path) -> None:
    write(folder, suffix=".cpython-399-x86_64-linux-gnu.so")
    about = why_unused(folder)
    assert ".cpython-399-x86_64-linux-gnu.so" in about
    assert EXTENSION_SUFFIXES[0] in about


def test_a_build_that_lacks_a_library_is_not_used(folder: Path) -> None:
    (folder / "b1" / library_name(LIBRARY)).unlink()
    assert f"lacks {library_name(LIBRARY)}" in why_unused(folder)


def test_a_build_whose_folder_is_gone_is_not_used(folder: Path) -> None:
    for library in (folder / "b1").iterdir():
        library.unlink()
    (folder / "b1").rmdir()
    assert why_unused(folder)


def test_where_nobody_built_there_is_no_build(tmp_path: Path) -> None:
    assert why_unused(tmp_path) == f"no build in {tmp_path}"


@pytest.mark.parametrize("module", MODULES)
def test_what_is_compiled_holds_nothing_that_mypyc_would_change(module: str) -> None:
    check_source(source_of(module))


def test_a_class_with_keywords_is_refused_before_mypyc_drops_them(tmp_path: Path) -> None:
    source = tmp_path / "frozen.py"
    source.write_text("class Frozen(Struct, frozen=True): ...")
    with pytest.raises(CannotBuild, match="class Frozen has keywords"):
        check_source(source)


@pytest.mark.parametrize("awaits", ["await bye()", "async with bye(): ...", "async for _ in bye(): ..."])
def test_a_finally_that_awaits_is_refused_before_mypyc_raises_there_what_others_handle(
    tmp_path: Path, awaits: str
) -> None:
    source = tmp_path / "last.py"
    source.write_text(f"async def work():\n    try:\n        await work()\n    finally:\n        {awaits}\n")
    with pytest.raises(CannotBuild, match=r"last.py:5: `finally` awaits"):
        check_source(source)
