"""Seeded faults in the model, each of which some test must notice.

The laws alone are not enough: most faults keep every law (merge.md section 4). So scenarios, laws and faults ship
together, and this is where the tests are tested. Each fault is put into a copy of the model, and the tests named with
it run against that copy in a process of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest
from mutant import Mutant

REPOSITORY = Path(__file__).resolve().parents[2]
AREAS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("mutant", "test_mutants"))
MUTANTS: list[Mutant] = [mutant for area in AREAS for mutant in import_module(area).MUTANTS]
COPIED = ("__init__.py", "errors.py", "limits.py", "model", "testing")
"""What the model's tests import of `syncd`; nothing else is there to fall back on."""
FEW_EXAMPLES = """
from hypothesis import settings
settings.register_profile("few", max_examples=25, deadline=None, derandomize=True, database=None)
settings.load_profile("few")
"""
FAILED, PASSED = 1, 0
"""Exit codes of pytest; 2 and above mean that it never came to test anything."""


def copy_of_the_model(folder: Path) -> None:
    for name in COPIED:
        source = REPOSITORY / "syncd" / name
        if source.is_dir():
            shutil.copytree(source, folder / "syncd" / name)
        else:
            (folder / "syncd").mkdir(exist_ok=True)
            shutil.copy2(source, folder / "syncd" / name)


def run_tests(folder: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run test files of this repository against the copy in `folder`, which is first on the path."""
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {REPOSITORY / 'tests' / 'scenarios'}\n")
    (folder / "few_examples.py").write_text(FEW_EXAMPLES)
    paths = [str(REPOSITORY / "tests" / test) for test in tests]
    options = ["-x", "-q", "--no-header", "--noconftest", "-p", "no:cacheprovider", "-c", str(folder / "pytest.ini")]
    if any(test.startswith("property/") for test in tests):
        options += ["-p", "few_examples"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_there_are_enough_faults_and_each_has_its_own_name() -> None:
    assert len(MUTANTS) >= 14
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_text_of_a_fault_stands_in_the_model_exactly_once(mutant: Mutant) -> None:
    """Else it would rot: a fault that changes nothing is never noticed, and nobody notices that."""
    text = (REPOSITORY / "syncd" / "model" / mutant.file).read_text()
    assert text.count(mutant.old) == 1
    assert mutant.new != mutant.old
    assert mutant.why


def test_without_a_fault_all_these_tests_pass_against_the_copy(tmp_path: Path) -> None:
    copy_of_the_model(tmp_path)
    (tmp_path / "test_copy.py").write_text(
        f"import syncd.model\ndef test_copy():\n    assert syncd.model.__file__.startswith({str(tmp_path)!r})\n"
    )
    tests = sorted({test for mutant in MUTANTS for test in mutant.tests})
    outcome = run_tests(tmp_path, [*tests, str(tmp_path / "test_copy.py")])
    assert outcome.returncode == PASSED, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    copy_of_the_model(tmp_path)
    file = tmp_path / "syncd" / "model" / mutant.file
    file.write_text(file.read_text().replace(mutant.old, mutant.new))
    outcome = run_tests(tmp_path, mutant.tests)
    assert outcome.returncode == FAILED, f"nobody noticed that {mutant.name}: {outcome.stdout}{outcome.stderr}"
