"""What a process does with memory that was freed."""

from __future__ import annotations

import subprocess
import sys

_BATCHES = """
import resource
from syncd.bootstrap import calm_collector

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def batch():
    columns = [b"x" * 100_000 for _ in range(20)]

if {calm}:
    calm_collector()
batch()
before = faults()
for _ in range(100):
    batch()
print(faults() - before)
"""
_PAGES = 100 * 20 * 100_000 // 4096
"""That all batches touch."""


def _faults(*, calm: bool) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _BATCHES.format(calm=calm)], capture_output=True, check=True, timeout=60
    )
    return int(done.stdout)


def test_memory_that_a_batch_has_freed_is_not_fetched_from_the_kernel_again() -> None:
    assert _faults(calm=True) < _PAGES / 10


def test_by_default_every_batch_fetches_its_memory_anew() -> None:
    """Else the test above could not fail."""
    assert _faults(calm=False) > _PAGES / 2
